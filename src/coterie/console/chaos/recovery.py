"""Recovery: how long it takes until a process that was killed serves again."""

import asyncio
from time import monotonic
from urllib.parse import urlsplit

from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.console.control import ControlClient, ControlError
from coterie.console.row import Row

from .report import Recovery

__all__ = ["recovery"]

_LONGEST = 60.0
_ONE = 2.0
_PAUSE = 0.02

_PATHS = {"service": "/health/ready", "gateway": "/health/ready", "console": "/console"}


async def recovery(row: Row, control: ControlClient, killed: float) -> Recovery:
    """Wait for the first success of the process ``row`` after it was ``killed`` (`monotonic`).

    What has an address is asked there; of the others another process must have taken the place.
    """
    while monotonic() < killed + _LONGEST:
        try:
            async with asyncio.timeout(_ONE):
                if await _serves(row, control):
                    return Recovery(row.name, round(monotonic() - killed, 4))
        except (TimeoutError, OSError, NotSent, Unknown, ControlError):
            pass
        await asyncio.sleep(_PAUSE)
    return Recovery(row.name, None)


async def _serves(row: Row, control: ControlClient) -> bool:
    address = row.address or ""
    if row.kind in _PATHS and address.startswith("http://"):
        async with Pool(address, connections=1, connect_timeout=_ONE) as pool:
            answer = await pool.request("GET", _PATHS[row.kind], (), b"")
            return answer.status < 400
    if row.kind == "broker" and address:
        return await _greets(address)
    now = {found.name: found for found in await control.rows()}.get(row.name)
    return now is not None and now.state == "up" and now.pid not in (None, row.pid)


async def _greets(address: str) -> bool:
    """Whether a NATS server says who it is, which it does first (its client protocol, INFO)."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        return (await reader.read(4)) == b"INFO"
    finally:
        writer.close()
