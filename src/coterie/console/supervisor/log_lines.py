"""with_process(): lines of log as objects that say which process they come from."""

import msgspec

from .log_source import lines_of

__all__ = ["with_process"]

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_process(name: str, text: str) -> str:
    """JSON lines with the process they come from; what is no object becomes one."""
    head = '{"process":' + msgspec.json.encode(name).decode()
    return "".join(f"{head},{_members(line)}\n" for line in lines_of(text))


def _members(line: str) -> str:
    """The rest of the object."""
    if line.startswith("{"):
        try:
            members = _object.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            members = {}
        if members.pop("process", None) is not None:
            return msgspec.json.encode(members).decode()[1:] if members else '"message":""}'
        if members:
            return line.strip()[1:]
    return f'"message":{msgspec.json.encode(line).decode()}}}'
