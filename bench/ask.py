"""One plain request, and its status: to see whether somebody is there."""

import asyncio
from contextlib import suppress

PATIENCE = 10.0


async def status(port: int, path: str) -> int:
    """The status that answers `GET path`; 0 where nothing does."""
    writer = None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            words = (await reader.readline()).split()
            return int(words[1]) if len(words) > 1 else 0
    except (OSError, TimeoutError, ValueError):
        return 0
    finally:
        if writer is not None:
            with suppress(OSError):
                writer.close()
