"""The result of an operation, as the reply the wire will carry."""

from collections.abc import Callable
from typing import Any, get_origin
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from coterie.call import Failure, Reply
from coterie.contract import Code, Operation, Page, Redirect, anyone
from coterie.contract.hint import strip

from .etag import matches, tag_of
from .media import JSON, MSGPACK, Codec, accepts, negotiate
from .text import text

__all__ = ["Renderer"]

Render = Callable[[Any], Reply]


class Renderer:
    """Renders one operation's results; what can be prepared is prepared once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._result = operation.result
        self._expected = _expected(operation.result.type)
        self._page = get_origin(strip(operation.result.type)) is Page
        self._control = _control(operation)
        self._plain: dict[Codec, Render] = {}

    def render(self, accept: bytes | None, if_none_match: bytes | None, target: bytes) -> Render:
        """What turns a result into a reply for this request.

        Raises `Failure` 406 where no form of the result is acceptable.
        """
        render: Render
        if self._result.media is not None or self._result.redirect:
            if accept is not None and self._result.media is not None:
                accepts(accept, self._result.media)
            render = self._raw
        else:
            codec = JSON if accept is None or accept == b"*/*" else negotiate(accept)
            render = self._plain.get(codec) or self._prepare(codec)
        if self._page:
            render = _linked(render, target)
        if self._operation.etag:
            render = _tagged(render, if_none_match)
        if self._control:
            render = _lasting(render, self._control)
        return render

    def check_tag(self, header: bytes, value: Any) -> None:
        """Raise `Failure` 412 unless ``header`` (If-Match) names the state ``value``."""
        body = self.render(None, None, b"")(value).body
        if not isinstance(body, bytes):
            raise TypeError(f"{self._operation.id} streams, so it has no entity tag to match")
        # One state has a tag for each of its forms; the asker may have seen any of them.
        known = [tag_of(body, _variant(codec.media)) for codec in (JSON, MSGPACK)]
        if not any(matches(header, tag, weak=False) for tag in known):
            raise Failure(
                Code.FAILED_PRECONDITION,
                "It has changed since you read it: read it again, then decide again",
                status=412,
            )

    def _prepare(self, codec: Codec) -> Render:
        operation, expected, encode = self._operation, self._expected, codec.encode
        status, fields = operation.status, self._result.headers
        content = (("content-type", self._result.media or codec.media),)

        if self._result.type is type(None):
            nothing = Reply(None, status)

            def render(value: Any) -> Reply:
                if value is not None:
                    raise _broken(operation, value)
                return nothing

        elif fields:
            names = {name for name, _ in fields}
            known = msgspec.structs.fields(expected)
            encoded = [field.encode_name for field in known if field.name in names]
            kept = (bytes,) if codec is MSGPACK else ()

            def render(value: Any) -> Reply:
                if not isinstance(value, expected):
                    raise _broken(operation, value)
                headers = [
                    (header, text(getattr(value, name)))
                    for name, header in fields
                    if getattr(value, name) is not None
                ]
                members = msgspec.to_builtins(value, builtin_types=kept)
                for name in encoded:
                    members.pop(name, None)
                return Reply(value, status, (*content, *headers), encode(members))

        else:

            def render(value: Any) -> Reply:
                if not isinstance(value, expected):
                    raise _broken(operation, value)
                return Reply(value, status, content, encode(value))

        self._plain[codec] = render
        return render

    def _raw(self, value: Any) -> Reply:
        status, media = self._operation.status, self._result.media or ""
        if isinstance(value, Redirect):
            location = quote(value.location, safe=":/?#[]@!$&'()*+,;=%~-._")
            return Reply(value, value.status, (("location", location),))
        headers = (("content-type", media),)
        if self._result.stream:
            return Reply(value, status, headers, value)
        if isinstance(value, bytes):
            return Reply(value, status, headers, value)
        if isinstance(value, str) and "json" not in media:
            return Reply(value, status, headers, value.encode())
        if not isinstance(value, self._expected):
            raise _broken(self._operation, value)
        return Reply(value, status, headers, JSON.encode(value))


def _variant(media: str) -> str:
    return "" if media == JSON.media else "-msgpack"


def _tagged(render: Render, if_none_match: bytes | None) -> Render:
    def tagged(value: Any) -> Reply:
        reply = render(value)
        if not isinstance(reply.body, bytes):
            return reply
        media = dict(reply.headers).get("content-type", "")
        variant = _variant(media) if media.endswith("msgpack") else ""
        # The state's tag comes from one form of it, so that If-Match can be checked in any.
        state = JSON.encode(value) if variant else reply.body
        tag = tag_of(state, variant)
        headers = (*reply.headers, ("etag", tag))
        if if_none_match is not None and matches(if_none_match, tag, weak=True):
            return Reply(value, 304, (("etag", tag), ("vary", "accept")))
        return Reply(value, reply.status, (*headers, ("vary", "accept")), reply.body)

    return tagged


def _control(operation: Operation) -> tuple[tuple[str, str], ...]:
    """What an answer says of its being kept: never by a cache of many, unless anyone may ask.

    The form it has is the asker's choice, and one with an entity tag has said so already.
    """
    if operation.max_age is None:
        return ()
    whose = "" if operation.rule == anyone else "private, "
    control = ("cache-control", f"{whose}max-age={operation.max_age}")
    return (control,) if operation.etag else (control, ("vary", "accept"))


def _lasting(render: Render, control: tuple[tuple[str, str], ...]) -> Render:
    def lasting(value: Any) -> Reply:
        reply = render(value)
        return Reply(value, reply.status, (*reply.headers, *control), reply.body)

    return lasting


def _linked(render: Render, target: bytes) -> Render:
    def linked(value: Any) -> Reply:
        reply = render(value)
        if not isinstance(value, Page) or value.next is None:
            return reply
        path, _, query = target.decode("latin-1").partition("?")
        pairs = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != "cursor"]
        link = f'<{path}?{urlencode([*pairs, ("cursor", value.next)])}>; rel="next"'
        return Reply(value, reply.status, (*reply.headers, ("link", link)), reply.body)

    return linked


def _broken(operation: Operation, value: Any) -> TypeError:
    promised = getattr(operation.result.type, "__name__", str(operation.result.type))
    return TypeError(
        f"{operation.id} returned {type(value).__name__}, its contract promises {promised}"
    )


def _expected(hint: Any) -> Any:
    """The class a result must be an instance of; ``object`` where a class cannot tell."""
    bare = strip(hint)
    origin = get_origin(bare) or bare
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return origin
    return object
