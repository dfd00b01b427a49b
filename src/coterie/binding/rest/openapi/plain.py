"""Types without parts, as JSON Schema: numbers, text, dates and their like.

Formats are those of the OpenAPI Format Registry. Where no format says what the decoder accepts,
a pattern does, so that what the schema allows is what a service takes.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import msgspec.inspect as mi

__all__ = ["plain", "plainly"]

_DIGITS = "[0-9]{1,8}"
_SECONDS = rf"{_DIGITS}(\.[0-9]{{1,6}})?S"
_TIME = rf"T({_DIGITS}H({_DIGITS}M)?({_SECONDS})?|{_DIGITS}M({_SECONDS})?|{_SECONDS})"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_DAY = (
    r"[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
)
_ZONE = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
INTEGER = r"^-?(0|[1-9][0-9]*)$"

# The decoder knows days, hours, minutes and seconds, with a sign and with fractions; the format
# "duration" (RFC 3339, appendix A) knows years and weeks, and neither sign nor fraction.
DURATION = rf"^[+-]?P({_DIGITS}D({_TIME})?|{_TIME})$"

_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"


def plain(info: mi.Type) -> dict[str, Any] | None:
    """The schema of a type without parts; ``None`` for the others."""
    write = _WRITERS.get(type(info))
    return None if write is None else write(info)


def plainly(value: Any) -> Any:
    """A value as it looks after a journey through JSON: lists for tuples, text for dates."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _number(info: Any) -> dict[str, Any]:
    return _given(
        type="integer" if isinstance(info, mi.IntType) else "number",
        minimum=info.ge,
        exclusiveMinimum=info.gt,
        maximum=info.le,
        exclusiveMaximum=info.lt,
        multipleOf=info.multiple_of,
    )


def _text(info: Any) -> dict[str, Any]:
    return _given(
        type="string",
        minLength=info.min_length,
        maxLength=info.max_length,
        pattern=info.pattern,
    )


def _bytes(info: Any) -> dict[str, Any]:
    return _given(
        type="string",
        contentEncoding="base64",
        pattern=_BASE64,
        minLength=None if info.min_length is None else _encoded(info.min_length),
        maxLength=None if info.max_length is None else _encoded(info.max_length),
    )


def _encoded(length: int) -> int:
    return 4 * ((length + 2) // 3)


def _datetime(info: Any) -> dict[str, Any]:
    # Without a word on zones, the offset is asked for: a moment without one is nobody's moment.
    if info.tz is False:
        return {"type": "string", "format": "date-time-local", "pattern": f"^{_DAY}T{_CLOCK}$"}
    return {"type": "string", "format": "date-time"}


def _time(info: Any) -> dict[str, Any]:
    zone = {True: _ZONE, False: "", None: f"{_ZONE}?"}[info.tz]
    return _given(
        type="string",
        format={True: "time", False: "time-local", None: None}[info.tz],
        pattern=f"^{_CLOCK}{zone}$",
    )


def _literal(info: Any) -> dict[str, Any]:
    values = list(info.values)
    return {"const": values[0]} if len(values) == 1 else {"enum": values}


def _always(**members: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda _: dict(members)


_WRITERS: dict[type[mi.Type], Callable[[Any], dict[str, Any]]] = {
    mi.AnyType: _always(),
    mi.RawType: _always(),
    mi.CustomType: _always(),
    mi.ExtType: _always(),
    mi.NoneType: _always(type="null"),
    mi.BoolType: _always(type="boolean"),
    mi.IntType: _number,
    mi.FloatType: _number,
    mi.StrType: _text,
    mi.BytesType: _bytes,
    mi.ByteArrayType: _bytes,
    mi.MemoryViewType: _bytes,
    mi.DateTimeType: _datetime,
    mi.TimeType: _time,
    mi.DateType: _always(type="string", format="date"),
    mi.TimeDeltaType: _always(type="string", pattern=DURATION),
    mi.UUIDType: _always(type="string", format="uuid"),
    mi.DecimalType: _always(type=["string", "number"], format="decimal", pattern=DECIMAL),
    mi.LiteralType: _literal,
}
