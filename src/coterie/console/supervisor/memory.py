"""What a process costs: its proportional memory."""

from pathlib import Path

__all__ = ["pss"]


def pss(pid: int | None) -> int | None:
    """Octets of memory, what is shared counted by the number of those who share it.

    Source: proc_pid_smaps(5), ``Pss`` in ``smaps_rollup``. ``None`` where nobody can tell.
    """
    if pid is None:
        return None
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
