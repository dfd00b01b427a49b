"""The context of a call, as headers.

======================  ==========================================
``traceparent``         W3C Trace Context
``baggage``             W3C Baggage
``authorization``       Bearer token (RFC 6750)
``idempotency-key``     IETF draft *The Idempotency-Key HTTP Header*
``coterie-timeout-ms``  milliseconds left until the deadline
======================  ==========================================
"""

import re
import time
from collections.abc import Mapping
from urllib.parse import quote, unquote

from coterie.call import Context, Failure, Origin, Sent, Trace
from coterie.contract import Code

from .text import fits_header

__all__ = ["TIMEOUT", "from_headers", "to_headers"]

TIMEOUT = "coterie-timeout-ms"

_TIMEOUT = TIMEOUT.encode()

_MARGIN = 0.02
_MARGIN_SHARE = 0.1
"""Seconds kept back at each hop, and the share of what is left that they are at most."""

# W3C Baggage, 3.3: limits every platform keeps.
_BAGGAGE_BYTES = 8192
_BAGGAGE_ITEMS = 64

# A string of structured fields (RFC 9651, 3.3.3), as the draft wants keys to be written.
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')
_ESCAPING = re.compile(r'["\\]')
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def from_headers(headers: Mapping[bytes, bytes]) -> Context:
    """The context a request arrives in; what is malformed counts as absent.

    The principal is not known yet: policies find out who calls, from the token.
    """
    trace = None
    if (parent := headers.get(b"traceparent")) is not None:
        trace = Trace.parse(parent.decode("latin-1"))
        trace = trace and trace.child()
    deadline = None
    if (timeout := headers.get(_TIMEOUT)) is not None and timeout.isdigit():
        deadline = time.monotonic() + min(int(timeout[:12]), 86_400_000) / 1000
    token = None
    if (authorization := headers.get(b"authorization")) is not None:
        scheme, _, proof = authorization.partition(b" ")
        if scheme.lower() == b"bearer":
            token = proof.strip().decode("latin-1")
    key = _key(headers.get(b"idempotency-key"))
    if key is None and deadline is None and b"baggage" not in headers:
        return Context(trace or Trace.root(), token=token)
    return Context(
        trace or Trace.root(),
        deadline,
        None,
        token,
        key,
        _baggage(headers.get(b"baggage", b"")),
        None if key is None else Origin(key),
    )


def to_headers(context: Context) -> list[tuple[str, str]]:
    """The headers that carry ``context`` on; the span it names is the call's own.

    Raises `Failure` for a token or an idempotency key that cannot be a header.
    """
    headers = [("traceparent", context.trace.traceparent)]
    if context.deadline is not None:
        left = _onward(context.deadline - time.monotonic())
        headers.append((TIMEOUT, str(left)))
    if context.token is not None:
        headers.append(("authorization", _fitting("token", f"Bearer {context.token}")))
    if context.idempotency_key is not None:
        headers.append(("idempotency-key", _string(context.idempotency_key)))
    if context.baggage:
        items = (f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in context.baggage.items())
        headers.append(("baggage", ",".join(items)))
    return headers


def _onward(seconds: float) -> int:
    """Milliseconds to tell the other side, of ``seconds`` that are left here.

    A little less: its own "too late" says more than a connection that we give up, if it arrives.
    """
    return max(0, int((seconds - min(_MARGIN, seconds * _MARGIN_SHARE)) * 1000))


def _fitting(what: str, value: str) -> str:
    if fits_header(value):
        return value
    raise _unfit(what)


def _unfit(what: str) -> Failure:
    # The value stays out of the message: a token is a secret.
    what = f"The {what} has characters or outer spaces that no header keeps (RFC 9110, 5.5)"
    return Failure(Code.INVALID_ARGUMENT, what, sent=Sent.NOT_SENT)


def _key(header: bytes | None) -> str | None:
    """The key in ``header``, which may be quoted or bare, as most APIs have it.

    What begins as a string and is none becomes the empty key, which no operation takes: to leave it
    out would run a call twice that wanted protection.
    """
    if header is None:
        return None
    text = header.strip().decode("latin-1")
    if not text.startswith('"'):
        return text
    string = _STRING.fullmatch(text)
    return "" if string is None else _ESCAPED.sub(r"\1", string[1])


def _string(key: str) -> str:
    if _UNPRINTABLE.search(key) is not None:
        raise _unfit("idempotency key")
    return f'"{_ESCAPING.sub(_escape, key)}"'


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _baggage(header: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in header[:_BAGGAGE_BYTES].decode("latin-1").split(",")[:_BAGGAGE_ITEMS]:
        name, separator, value = item.split(";", 1)[0].partition("=")
        if separator and name.strip():
            found[unquote(name.strip())] = unquote(value.strip())
    return found
