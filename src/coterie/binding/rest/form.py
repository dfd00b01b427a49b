"""Forms: urlencoded and multipart bodies, read and written (RFC 7578)."""

import secrets
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from coterie.call import Failure
from coterie.contract import Code, Upload

__all__ = ["read_form", "write_form"]

FIELDS = 1000
_HEADER_BYTES = 8192


def read_form(content_type: bytes, body: bytes) -> list[tuple[str, str | Upload]]:
    """The fields of a form in their order.

    Raises `Failure`: 415 for another content type, 400 for a malformed or overlong form.
    """
    media, parameters = parse_options_header(content_type)
    if media == b"application/x-www-form-urlencoded":
        try:
            return list(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
        except ValueError as error:
            raise _malformed(str(error)) from error
    if media != b"multipart/form-data":
        raise Failure(
            Code.INVALID_ARGUMENT,
            "Send a form: application/x-www-form-urlencoded or multipart/form-data",
            status=415,
        )
    boundary = parameters.get(b"boundary")
    if not boundary:
        raise _malformed("multipart/form-data names no boundary")
    return _Parts(boundary).read(body)


def write_form(fields: Iterable[tuple[str, str | Upload]]) -> tuple[str, bytes]:
    """Content type and body of a form; multipart only where a file is among the fields."""
    items = list(fields)
    texts = [(name, value) for name, value in items if isinstance(value, str)]
    if len(texts) == len(items):
        return "application/x-www-form-urlencoded", urlencode(texts).encode()
    boundary = secrets.token_hex(16)
    out = bytearray()
    for name, value in items:
        out += f'--{boundary}\r\ncontent-disposition: form-data; name="{_quoted(name)}"'.encode()
        if isinstance(value, Upload):
            kind = "".join(c for c in value.content_type if c.isprintable())
            out += f'; filename="{_quoted(value.filename)}"\r\ncontent-type: {kind}'.encode()
        out += b"\r\n\r\n" + (value.encode() if isinstance(value, str) else value.data) + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(out)


def _quoted(name: str) -> str:
    # As browsers do: WHATWG HTML, "multipart/form-data encoding algorithm".
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _malformed(what: str) -> Failure:
    return Failure(Code.INVALID_ARGUMENT, f"The form cannot be read: {what}")


class _Parts:
    """Collects what the parser finds."""

    def __init__(self, boundary: bytes) -> None:
        self.boundary = boundary
        self.found: list[tuple[str, str | Upload]] = []
        self.headers: dict[bytes, bytes] = {}
        self.name = b""
        self.value = b""
        self.data = bytearray()
        self.ended = False

    def read(self, body: bytes) -> list[tuple[str, str | Upload]]:
        parser = MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )
        try:
            parser.write(body)
            parser.finalize()
        except (FormParserError, ValueError) as error:
            raise _malformed(str(error)) from error
        if not self.ended:
            raise _malformed("it ends before its last boundary")
        return self.found

    def _begin(self) -> None:
        self.headers = {}
        self.data = bytearray()
        if len(self.found) >= FIELDS:
            raise ValueError(f"more than {FIELDS} fields")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self.name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        if len(self.value) > _HEADER_BYTES:
            raise ValueError("a header of a part is too long")

    def _header_end(self) -> None:
        self.headers[self.name.lower()] = self.value
        self.name = self.value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.data += data[start:end]

    def _end(self) -> None:
        disposition, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if disposition != b"form-data" or name is None:
            raise ValueError("a part has no name")
        filename = options.get(b"filename")
        value: str | Upload
        if filename is None:
            value = self.data.decode()
        else:
            kind = self.headers.get(b"content-type", b"application/octet-stream")
            value = Upload(filename.decode(), kind.decode("latin-1"), bytes(self.data))
        self.found.append((name.decode(), value))

    def _finish(self) -> None:
        self.ended = True
