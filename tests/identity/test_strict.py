"""Strict reading: by itself, before any library that might be lenient comes to it."""

import pytest

from coterie.identity.strict import frozen, segments, strict_object


def test_three_parts_are_decoded() -> None:
    assert segments("YQ.YWI.YWJj") == (b"a", b"ab", b"abc")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "YQ.YWI",
        "YQ.YWI.",
        "YQ..YWJj",
        "YQ.YWI.YWJj.YQ",
        "YQ.YWI.YWJj\n",
        " YQ.YWI.YWJj",
        "YQ.YWI.YWJj=",
        "YQ==.YWI.YWJj",
        "YR.YWI.YWJj",
        "YQ.YWJ.YWJj",
        "YQ.YWI.Y",
        "YQ.YWI.YWJjY",
        "YQ.YWI.YW+j",
        "YQ.YWI.YW/j",
        "YQ.YWI.YWJ\u0664",
    ],
)
def test_bytes_have_one_writing_only(token: str) -> None:
    """Padding, line ends, other alphabets and spare bits are other writings of the same."""
    with pytest.raises(ValueError, match="base64"):
        segments(token)


def test_an_object_is_read() -> None:
    assert strict_object(b' {"a": [1, {"b": null}], "c": "\\u00e9"} ') == {
        "a": [1, {"b": None}],
        "c": "\u00e9",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[{}]",
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b'{"a": [{"b": 1, "b": 2}]}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1}x',
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a": ' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda content: content[:24],
)
def test_what_two_parsers_may_read_differently_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # many messages, some of them the parser's own
        strict_object(content)


def test_what_is_frozen_stays_as_it_is_throughout() -> None:
    members = {"a": [1, {"b": [2]}], "c": "d"}
    kept = frozen(members)
    assert kept["a"][1]["b"] == (2,)
    members["c"] = "e"
    assert kept["c"] == "d"
