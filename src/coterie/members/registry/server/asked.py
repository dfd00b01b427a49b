"""Asked: what those who register send, and what it may hold."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .address import check_address, check_link
from .limits import Limits
from .names import ID_HINT, NAME_HINT, fresh_id, is_id, is_name
from .records import InstanceRecord, Said, ServiceRecord
from .refusal import Refused

__all__ = [
    "INVALID",
    "Alteration",
    "Beat",
    "Description",
    "NewInstance",
    "check_name",
    "decoded",
    "registration",
]

INVALID = "Invalid service registration data"
"""What is answered to a registration that lacks a name or a URL, or is no JSON object at all."""

_METADATA = 4096

Key = Annotated[str, Meta(min_length=1, max_length=64)]
Text = Annotated[str, Meta(max_length=4000)]
Word = Annotated[str, Meta(max_length=200)]
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=20)]
Value = Annotated[str, Meta(max_length=1000)]
Zone = Annotated[str, Meta(max_length=64)]
Weight = Annotated[float, Meta(ge=0, le=1000)]

B = TypeVar("B", bound=Struct)


class NewInstance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance. Without ``ttl`` it stays until it is removed; with, until it falls silent."""

    url: str
    id: str | None = None
    ttl: float | None = None
    zone: Zone = ""
    weight: Weight = 1.0
    metadata: dict[Key, Value] = {}
    status: Said = "UP"

    def record(self, name: str, by: str, limits: Limits) -> InstanceRecord:
        """As it is kept. Raises `Refused` (400)."""
        try:
            check_address(self.url)
        except ValueError as error:
            raise Refused(400, _sentence(error)) from error
        if self.id is not None and not is_id(self.id):
            raise Refused(400, f"The id cannot be used: {ID_HINT}")
        if self.ttl is not None and not limits.shortest <= self.ttl <= limits.longest:
            what = f"The ttl is a number of seconds, {limits.shortest:g} to {limits.longest:g}"
            raise Refused(400, what)
        _check_metadata(self.metadata)
        return InstanceRecord(
            id=self.id or fresh_id(name),
            url=self.url,
            registered_by=by,
            ttl=self.ttl,
            zone=self.zone,
            weight=self.weight,
            metadata=dict(self.metadata),
            said=self.status,
        )


class Beat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A heartbeat; with ``status``, what the instance says of itself from now on."""

    status: Said | None = None


class Description(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a service is described, all of it: what is left out is empty."""

    description: Text = ""
    owner: Word = ""
    version: Word = ""
    contract: str | None = None
    tags: Tags = ()
    metadata: dict[Key, Value] = {}

    def record(self, name: str, by: str) -> ServiceRecord:
        """As it is kept. Raises `Refused` (400)."""
        if self.contract:
            try:
                check_link(self.contract)
            except ValueError as error:
                raise Refused(400, _sentence(error)) from error
        _check_metadata(self.metadata)
        return ServiceRecord(
            name=name,
            registered_by=by,
            description=self.description,
            owner=self.owner,
            version=self.version,
            contract=self.contract or "",
            tags=tuple(dict.fromkeys(self.tags)),
            metadata=dict(self.metadata),
        )


class Alteration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes in a description (RFC 7396): what is left out stays, ``null`` empties."""

    description: Text | UnsetType | None = UNSET
    owner: Word | UnsetType | None = UNSET
    version: Word | UnsetType | None = UNSET
    contract: str | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    metadata: dict[Key, Value | None] | UnsetType | None = UNSET

    def applied(self, record: ServiceRecord) -> Description:
        """The description that ``record`` has then."""
        metadata: dict[str, str] = {}
        if self.metadata is UNSET:
            metadata = record.metadata
        elif self.metadata is not None:
            merged: dict[str, str | None] = {**record.metadata, **self.metadata}
            metadata = {key: value for key, value in merged.items() if value is not None}
        return Description(
            description=record.description if self.description is UNSET else self.description or "",
            owner=record.owner if self.owner is UNSET else self.owner or "",
            version=record.version if self.version is UNSET else self.version or "",
            contract=record.contract if self.contract is UNSET else self.contract,
            tags=record.tags if self.tags is UNSET else self.tags or (),
            metadata=metadata,
        )


def registration(body: bytes) -> tuple[str, str]:
    """Name and URL out of ``{"name": ..., "url": ...}``. Raises `Refused` (400)."""
    try:
        sent = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, INVALID) from error
    name, url = (sent.get("name"), sent.get("url")) if isinstance(sent, dict) else (None, None)
    if not (isinstance(name, str) and isinstance(url, str) and name and url):
        raise Refused(400, INVALID)
    if not is_name(name):
        raise Refused(400, f"{INVALID}: {NAME_HINT}")
    try:
        check_address(url)
    except ValueError as error:
        raise Refused(400, f"{INVALID}: {error}") from error
    return name, url


def decoded(body: bytes, type: type[B]) -> B:
    """A body as ``type``. Raises `Refused` (400), saying what is wrong where."""
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        raise Refused(400, f"This is not what is expected here: {error}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(400, "Send a JSON object; this cannot be read as one") from error


def check_name(name: str) -> None:
    """Raise `Refused` (400) for a name that no service may have."""
    if not is_name(name):
        raise Refused(400, f"A service cannot be called so: {NAME_HINT}")


def _check_metadata(metadata: dict[str, str]) -> None:
    if len(msgspec.json.encode(metadata)) > _METADATA:
        raise Refused(400, f"The metadata is larger than {_METADATA} octets: put a link in it")


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
