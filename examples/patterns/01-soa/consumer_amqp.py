"""The consumer over AMQP: the same question, left with a broker."""

import os
from time import monotonic

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from pika.spec import BasicProperties

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost:5672/")
QUEUE = os.environ.get("QUEUE", "soa-service-a.greet")
TIMEOUT = float(os.environ.get("TIMEOUT", "2"))  # seconds

FAILED = "Failed to get greeting from Service A"
# A broker that accepts the connection and then says nothing is no AMQPError to pika.
PROBLEMS = (AMQPError, AMQPConnectorException, OSError, ValueError)
ANSWERS = "amq.rabbitmq.reply-to"  # RabbitMQ's name for: to whoever asked, on this connection


def broker() -> pika.URLParameters:
    """The broker, and how long it may leave us waiting."""
    found = pika.URLParameters(AMQP_URL)
    found.socket_timeout = found.stack_timeout = found.blocked_connection_timeout = TIMEOUT
    found.heartbeat = max(1, round(TIMEOUT))
    return found


def ask() -> str | None:
    """The answer to one request; None where none came in time."""
    answers: list[bytes] = []
    with pika.BlockingConnection(broker()) as connection:
        channel = connection.channel()
        channel.basic_consume(ANSWERS, lambda *answer: answers.append(answer[-1]), auto_ack=True)
        channel.confirm_delivery()  # so that a queue that is not there is an error, and no silence
        # A request that nobody has taken by then is not to be answered any more.
        request = BasicProperties(reply_to=ANSWERS, expiration=str(round(TIMEOUT * 1000)))
        channel.basic_publish("", QUEUE, b"", request, mandatory=True)
        until = monotonic() + TIMEOUT
        while not answers and (left := until - monotonic()) > 0:
            connection.process_data_events(left)
    return answers[0].decode() if answers else None


def consume_greeting() -> str:
    """ServiceA's greeting; where there is none, for whatever reason, a text that says so."""
    try:
        return ask() or FAILED
    except PROBLEMS:
        return FAILED


if __name__ == "__main__":
    print(f"Received greeting: {consume_greeting()}")
