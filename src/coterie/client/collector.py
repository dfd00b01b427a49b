"""Collector: sends what was noted to whoever collects it, beside the calls and never in their way."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence

from msgspec import Struct

from coterie.telemetry import (
    Destination,
    Meter,
    Resource,
    Spans,
    metrics_body,
    traces_body,
)

from .receiver import Receiver

__all__ = ["Collector", "Telemetry"]

log = logging.getLogger("coterie.telemetry")

_BATCH = 256
"""Spans a request: about a millisecond to encode, so that no call waits longer for its turn."""

_LOOK = 0.25
"""Seconds between two looks at how full the ring is."""

_LAST = 2.0
"""Seconds that the last spans may take to leave when the process stops."""

_LONGEST_WAIT = 60.0


class Telemetry(Struct, frozen=True):
    """What a process has to tell: who it is, the ring of its spans, and its meters."""

    resource: Resource
    spans: Spans
    meters: Sequence[Meter] = ()


class Collector:
    """Sends ``source`` to ``destination`` every ``every`` seconds, as OTLP. A component.

    Spans leave sooner when the ring is half full. The ring is all the memory there is: while the
    other side is away its oldest spans give way, and are counted in ``dropped``. What may be
    tried again (429, 502, 503, 504, no answer) is, ever more slowly or when the other side says;
    any other refusal loses the batch. An outage is logged when it begins and when it ends. Nothing
    raises, and stopping takes two seconds at most.

    Raises `ValueError` for a URL that is none.
    """

    def __init__(self, destination: Destination, source: Telemetry, *, every: float = 5.0) -> None:
        if not 0 < every < float("inf"):
            raise ValueError(f"every={every}: take a number of seconds, such as 5.0")
        self.dropped = 0
        """Spans that nobody received."""
        self._source = source
        self._every = every
        traces, metrics = destination.traces, destination.metrics
        self._traces = Receiver(traces, destination) if traces else None
        self._metrics = Receiver(metrics, destination) if metrics else None
        self._receivers = [r for r in (self._traces, self._metrics) if r]
        self._read = 0
        self._task: asyncio.Task[None] | None = None
        self._troubled: set[Receiver] = set()
        self._dropped_before = 0

    async def start(self) -> None:
        """Begin to send. Connects to nothing yet."""
        for receiver in self._receivers:
            await receiver.start()
        self._task = asyncio.create_task(self._run(), name="telemetry")

    async def stop(self) -> None:
        """Send what there still is, as far as that takes no more than two seconds."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        try:
            async with asyncio.timeout(_LAST):
                await self._send()
        except TimeoutError:
            log.warning("telemetry: the last of it could not be sent in %.0f s", _LAST)
        rest = self._source.spans.after(self._read, limit=self._source.spans.keep)
        self.dropped += rest.lost + (len(rest.spans) if self._traces else 0)
        for receiver in self._receivers:
            await receiver.stop()

    async def _run(self) -> None:
        failures = 0
        wait = self._every
        while True:
            await self._due(wait, patient=failures > 0)
            failures = 0 if await self._send() else failures + 1
            wait = self._wait(failures) if failures else self._every

    async def _due(self, seconds: float, *, patient: bool) -> None:
        """Wait, or only until the ring is half full; ``patient`` waits to the end."""
        end = time.monotonic() + seconds
        spans = self._source.spans
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(left if patient else min(left, _LOOK))
            waiting = min(spans.last - self._read, len(spans))
            if not patient and waiting >= spans.keep // 2:
                return

    def _wait(self, failures: int) -> float:
        """Seconds until the next try: what the other side said, else ever longer."""
        said = max((r.retry_after for r in self._receivers), default=0.0)
        backoff = min(self._every * 2.0 ** min(failures - 1, 10), _LONGEST_WAIT)
        # Processes that lost the same receiver must not all come back in the same instant.
        return max(said, backoff * random.uniform(0.5, 1.0))  # noqa: S311  # not for secrets

    async def _send(self) -> bool:
        """Send all there is; whether there is nothing to be tried again."""
        try:
            return await self._send_spans() and await self._send_metrics()
        except Exception:
            # A defect of ours: calls go on all the same.
            log.exception("telemetry could not be sent")
            return False

    async def _send_spans(self) -> bool:
        receiver, ring = self._traces, self._source.spans
        if receiver is None:
            return True
        while (batch := ring.after(self._read, limit=_BATCH)).spans:
            self.dropped += batch.lost
            self._read = batch.next - len(batch.spans)
            taken = await receiver.send(traces_body(self._source.resource, batch.spans))
            self._tell(receiver)
            if not taken:
                return False
            self._read = batch.next
            self.dropped += len(batch.spans) if receiver.refused else receiver.rejected
        return True

    async def _send_metrics(self) -> bool:
        receiver = self._metrics
        if receiver is None:
            return True
        now = time.time()
        done = await receiver.send(metrics_body(self._source.resource, self._source.meters, now))
        self._tell(receiver)
        return done

    def _tell(self, receiver: Receiver) -> None:
        """Log when an outage begins, whatever of it fails first, and when it is over."""
        if receiver.trouble:
            if not self._troubled:
                self._dropped_before = self.dropped
                log.warning(
                    "telemetry: %s; the latest %d spans are kept for it",
                    receiver.trouble,
                    self._source.spans.keep,
                )
            self._troubled.add(receiver)
        elif receiver in self._troubled:
            self._troubled.discard(receiver)
            if not self._troubled:
                lost = self.dropped - self._dropped_before
                log.info("telemetry: received again at %s; %d spans were lost", receiver.url, lost)
