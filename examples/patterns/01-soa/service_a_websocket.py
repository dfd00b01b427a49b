"""ServiceA over WebSocket: greets on a connection that stays open, as often as it is asked."""

import os
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve


def greet(connection: ServerConnection) -> None:
    """One greeting for each message."""
    with suppress(ConnectionClosed):  # the other side may go without a word
        for _ in connection:
            connection.send("Hello from Service A!")


if __name__ == "__main__":
    host, port = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "5005"))
    with serve(greet, host, port) as server:
        print(f" * Running on ws://{host}:{port} (Press CTRL+C to quit)", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
