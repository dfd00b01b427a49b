"""ServiceA over AMQP: greets whoever leaves a request in its queue."""

import os

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from pika.spec import Basic, BasicProperties

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/")
QUEUE = os.environ.get("QUEUE", "soa-service-a.greet")


def greet(
    channel: BlockingChannel, method: Basic.Deliver, asked: BasicProperties, _: bytes
) -> None:
    """Answer one request, where it wants its answer, and under its name."""
    if asked.reply_to:
        about = BasicProperties(correlation_id=asked.correlation_id, content_type="text/plain")
        channel.basic_publish("", asked.reply_to, b"Hello from Service A!", about)


def serve() -> None:
    """Greet until the connection ends. The queue is gone with the last ServiceA that read it."""
    with pika.BlockingConnection(pika.URLParameters(AMQP_URL)) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, auto_delete=True)
        # Nobody would wait for the greeting any more if a request were delivered a second time.
        channel.basic_consume(QUEUE, greet, auto_ack=True)
        print(f" * Reading {QUEUE} (Press CTRL+C to quit)", flush=True)
        channel.start_consuming()


if __name__ == "__main__":
    try:
        serve()
    except KeyboardInterrupt:
        pass
    except (AMQPError, AMQPConnectorException, OSError) as problem:
        raise SystemExit(f"The broker at AMQP_URL is lost, or never was: {problem!r}") from None
