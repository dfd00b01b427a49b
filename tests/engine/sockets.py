"""Where a process listens, as the kernel tells it."""

import contextlib
import socket
from pathlib import Path

__all__ = ["listening"]

_LISTEN = "0A"  # <net/tcp_states.h>


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port of every TCP socket that the process ``pid`` listens on."""
    own: set[str] = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own.add(str(handle.readlink()))
    found: set[tuple[str, int]] = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTEN and f"socket:[{words[9]}]" in own:
                address, _, port = words[1].partition(":")
                found.add((socket.inet_ntop(family, _bytes(address)), int(port, 16)))
    return found


def _bytes(address: str) -> bytes:
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return b"".join(words)
