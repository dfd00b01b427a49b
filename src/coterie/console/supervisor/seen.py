"""Which services were seen to call which: told by their own counters."""

import asyncio
import re
from collections.abc import Iterable
from time import monotonic
from urllib.parse import urlsplit

from coterie.client.http1 import NotSent, Pool, Unknown
from coterie.system import Inventory

__all__ = ["calls_seen"]

_PATIENCE = 1.0
_COUNT = re.compile(r"coterie_client_call_seconds_count\{([^}]*)\} (\d+)")
_LABEL = re.compile(r'(\w+)="([^"\\]*)"')


async def calls_seen(pages: Iterable[str], inventory: Inventory) -> tuple[tuple[str, str], ...]:
    """Caller and callee of every call over the network that instances made.

    Since each of them started. ``pages`` are the URLs of their counters; who does not answer within a second is left out.
    """
    texts = await asyncio.gather(*(_metrics(page) for page in pages))
    seen: set[tuple[str, str]] = set()
    for text in texts:
        for labels, count in _COUNT.findall(text):
            known = dict(_LABEL.findall(labels))
            contract = known.get("operation", "").rpartition(".")[0]
            callee = inventory.provider(contract, known.get("version", "").split(".", 1)[0])
            if callee is not None and int(count):
                seen.add((known.get("service", ""), callee))
    return tuple(sorted(seen))


async def _metrics(page: str) -> str:
    try:
        parts = urlsplit(page)
        async with Pool(f"{parts.scheme}://{parts.netloc}", connections=1) as pool:
            answer = await pool.request("GET", parts.path, deadline=monotonic() + _PATIENCE)
    except (NotSent, Unknown):
        return ""
    return answer.body.decode(errors="replace")
