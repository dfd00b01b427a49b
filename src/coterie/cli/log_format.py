"""One format for every log line of a process, for people or for machines."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from coterie.call import Trace, current_context

__all__ = ["Sink", "set_up_logs"]

# What these say at INFO is about themselves.
_TALKATIVE = ("alembic", "asyncio", "uvicorn", "watchfiles")


class Sink(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> object:
        """Take ``text``."""
        ...


def set_up_logs(
    *,
    json: bool,
    verbose: bool,
    who: Mapping[str, str] | None = None,
    stream: Sink | None = None,
) -> None:
    """Send the log of this process to ``stream`` or standard error, in the form of the access log.

    A line has time (UTC), level, logger, message, and inside a call the id of its trace; with
    ``json`` it is an object, that has the id of the span too, and begins with the members of
    ``who``: the service and the instance that write it, say. INFO and above are logged, with
    ``verbose`` DEBUG too.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Objects(who or {}) if json else _Lines())
    handler.addFilter(_worth_a_line)
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message, trace = record.getMessage(), _trace()
        line = f"{_stamp(record)} {record.levelname} {record.name}: {message}"
        if trace is not None and trace.trace_id not in message:
            line += f" {trace.trace_id}"
        return "\n".join([line, *_appendix(self, record)])


class _Objects(logging.Formatter):
    def __init__(self, who: Mapping[str, str]) -> None:
        super().__init__()
        self._who = dict(who)

    def format(self, record: logging.LogRecord) -> str:
        members = {
            **self._who,
            "time": _stamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = _trace()
        if trace is not None:
            members["trace_id"] = trace.trace_id
            members["span_id"] = trace.span_id
        appendix = _appendix(self, record)
        if appendix:
            members["error"] = "\n".join(appendix)
        return msgspec.json.encode(members).decode()


def _stamp(record: logging.LogRecord) -> str:
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{second}.{int(record.msecs):03d}Z"


def _trace() -> Trace | None:
    context = current_context.get(None)
    return None if context is None else context.trace


def _appendix(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    found = []
    if record.exc_info and record.exc_info[0] is not None:
        found.append(formatter.formatException(record.exc_info))
    if record.stack_info:
        found.append(formatter.formatStack(record.stack_info))
    return found


def _worth_a_line(record: logging.LogRecord) -> bool:
    # A call that was broken off because the system stops is no error of anybody's.
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or not issubclass(kind, asyncio.CancelledError)
