"""Address: a database URL, taken apart and checked. No I/O, no vendor."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import AddressError

__all__ = ["Address", "PostgresAddress", "SqliteAddress", "address"]

_SQLITE = frozenset({"sqlite", "sqlite+aiosqlite"})
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
_FORMS = "sqlite:///relative/file.db, sqlite:////absolute/file.db or postgresql://user@host/name"
_PARAMETERS = frozenset({"host", "sslmode", "application_name", "connect_timeout"})


@dataclass(frozen=True, slots=True)
class SqliteAddress:
    """A file; ``path`` is absolute, or ``None`` for a database that lives as long as the app.

    ``note`` says what looks like a mistake and is none for certain.
    """

    path: Path | None
    note: str | None = None

    def __str__(self) -> str:
        return f"sqlite:///{self.path or ':memory:'}"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A server and a database on it. ``timeout`` is how many seconds connecting may take."""

    host: str | None
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    database: str = ""
    ssl: str | None = None
    application: str = "coterie"
    timeout: float = 10.0

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        user = "" if self.user is None else f"{self.user}@"
        return f"postgresql://{user}{self.host or ''}{port}/{self.database}"


Address = SqliteAddress | PostgresAddress


def address(url: str) -> Address:
    """Read ``url``, in the forms SQLAlchemy and the database's own tools share.

    A SQLite path is relative to the current folder after three slashes and absolute after four.
    Raises `AddressError`, which never shows a password.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise AddressError(f"a database URL looks like {_FORMS}; this one has no '://'")
    scheme = scheme.lower()
    if scheme in _SQLITE:
        return _sqlite(url)
    if scheme in _POSTGRES:
        _installed("asyncpg", "postgres")
        return _postgres(url)
    raise AddressError(
        f"no database is known by '{scheme}://': use {_FORMS}; SQLite comes with"
        " pip install 'coterie[sql]', PostgreSQL with pip install 'coterie[postgres]'"
    )


def _installed(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise AddressError(
            f"this URL needs the package {package}: run pip install 'coterie[{extra}]'"
        )


def _sqlite(url: str) -> SqliteAddress:
    rest = url.partition("://")[2]
    if rest in {"", "/", "/:memory:"}:
        return SqliteAddress(None)
    if not rest.startswith("/"):
        raise AddressError(
            f"{url}: SQLite has no host; write sqlite:///{rest} for a path relative to the"
            f" current folder, sqlite:////{rest} for an absolute one"
        )
    name, question, _ = rest[1:].partition("?")
    if question:
        raise AddressError(f"{url}: a SQLite URL takes no '?' parameters; leave them out")
    written = Path(name)
    path = written.absolute()
    note = None
    slashed = Path("/") / name
    if not written.is_absolute() and not path.parent.exists() and slashed.parent.is_dir():
        note = (
            f"{url} is relative and means {path}; {slashed.parent} exists, so perhaps"
            f" sqlite:///{slashed} was meant: an absolute path has four slashes"
        )
    return SqliteAddress(path, note)


def _postgres(url: str) -> PostgresAddress:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # The message of the error may quote the URL, and the URL a password.
        raise AddressError(
            "the PostgreSQL URL cannot be read: write postgresql://user:password@host:5432/name,"
            " with special characters of the password percent-encoded"
        ) from error.__cause__
    query = dict(parse_qsl(parts.query))
    unknown = sorted(query.keys() - _PARAMETERS)
    database = unquote(parts.path.lstrip("/"))
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    seconds = query.get("connect_timeout", "10")
    found = PostgresAddress(
        host=query.get("host") or parts.hostname,
        port=port,
        user=user,
        password=password,
        database=database,
        ssl=query.get("sslmode"),
        application=query.get("application_name", "coterie"),
        timeout=float(seconds) if seconds.isdecimal() and int(seconds) > 0 else 10.0,
    )
    if unknown:
        raise AddressError(
            f"{found}: unknown parameter {', '.join(unknown)}; known are"
            f" {', '.join(sorted(_PARAMETERS))}"
        )
    if not database:
        raise AddressError(f"{found}: the name of the database is missing after the last '/'")
    return found
