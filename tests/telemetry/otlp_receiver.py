"""A receiver of OTLP, built on the protocol's own definitions: what does not fit them raises."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = [
    "Answer",
    "OtlpReceiver",
    "metrics_of",
    "otlp_receiver",
    "spans_of",
    "texts",
    "traces_of",
]

Answer = tuple[int, dict[str, str], bytes]


def traces_of(body: bytes) -> ExportTraceServiceRequest:
    """The message in ``body``; unknown fields and values of other types raise."""
    # Protobuf's own JSON has octets in base64; OTLP's has identifiers in hexadecimal.
    return json_format.Parse(json.dumps(_base64(json.loads(body))), ExportTraceServiceRequest())


def metrics_of(body: bytes) -> ExportMetricsServiceRequest:
    """The message in ``body``."""
    return json_format.Parse(body, ExportMetricsServiceRequest())


def spans_of(message: ExportTraceServiceRequest) -> list[tuple[dict[str, str], Span]]:
    """Each span with its resource's attributes."""
    return [
        (texts(resource.resource.attributes), span)
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def texts(attributes: Any) -> dict[str, str]:
    """Attributes whose values are texts, by key."""
    return {pair.key: pair.value.string_value for pair in attributes}


def _base64(thing: Any) -> Any:
    if isinstance(thing, list):
        return [_base64(item) for item in thing]
    if not isinstance(thing, dict):
        return thing
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in ("traceId", "spanId", "parentSpanId")
        else _base64(value)
        for key, value in thing.items()
    }


class OtlpReceiver:
    """Keeps what it was sent. ``answer`` may be changed, and may take its time."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[str], Awaitable[Answer]] = self.accepts

    async def accepts(self, path: str) -> Answer:
        """All is well."""
        return 200, {"content-type": "application/json"}, b"{}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bodies(self, signal: str) -> list[bytes]:
        """What came for ``traces`` or ``metrics``."""
        return [body for path, _, body in self.requests if path == f"/v1/{signal}"]

    @property
    def spans(self) -> list[tuple[dict[str, str], Span]]:
        return [pair for body in self.bodies("traces") for pair in spans_of(traces_of(body))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
                body = await reader.readexactly(int(headers["content-length"]))
                assert (method, headers["content-type"]) == ("POST", "application/json")
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                status, more, answer = await self.answer(path)
                if status == 200:
                    self.requests.append((path, headers, body))
                told = "".join(f"{name}: {value}\r\n" for name, value in more.items())
                length = f"content-length: {len(answer)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status} x\r\n{told}{length}".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def otlp_receiver() -> AsyncGenerator[OtlpReceiver]:
    """A receiver on a free port."""
    made = OtlpReceiver()
    serving: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(made.serve(reader, writer))
        serving.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
