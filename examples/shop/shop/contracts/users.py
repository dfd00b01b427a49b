"""What the users service promises."""

from typing import Annotated

from coterie import (
    Code,
    Contract,
    Event,
    Fault,
    Meta,
    Page,
    Struct,
    anyone,
    delete,
    get,
    owner,
    post,
    put,
    role,
)

from .answers import Created, Done, Id, Line

Name = Annotated[
    str,
    Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", examples=["newUser"]),
]
Password = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=256,
        description="Any 8 characters or more.",
        examples=["newPassword"],
    ),
]
Given = Annotated[str, Meta(max_length=256, description="A password as it was typed.")]
Limit = Annotated[int, Meta(ge=1, le=500)]
Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,16}$(?!\n)")]
"""Where a page begins, as the page before named it: after this id."""


class NewUser(Struct, frozen=True):
    """A user to be; ``name`` and ``username`` mean the same, one of them is needed."""

    password: Password
    address: Annotated[Line, Meta(examples=["new address"])]
    name: Name | None = None
    username: Name | None = None

    def __post_init__(self) -> None:
        if self.name is None and self.username is None:
            raise ValueError("Object missing required field `name`")
        if self.name is not None and self.username is not None:
            raise ValueError("`name` and `username` mean the same; give one of them")

    @property
    def login(self) -> str:
        """The name the user will log in with."""
        return self.name or self.username or ""


_ONE_NAME = Meta(
    # What `__post_init__` checks, for those who read the schema.
    extra_json_schema={
        "oneOf": [
            {
                "required": [given],
                "properties": {given: {"type": "string"}, other: {"type": "null"}},
            }
            for given, other in (("name", "username"), ("username", "name"))
        ]
    },
    examples=[{"name": "newUser", "password": "newPassword", "address": "new address"}],
)


class Credentials(Struct, frozen=True):
    """A name and a password; ``name`` and ``username`` mean the same."""

    password: Given
    name: Annotated[str, Meta(max_length=64)] | None = None
    username: Annotated[str, Meta(max_length=64)] | None = None

    @property
    def login(self) -> str:
        """The name given."""
        return self.name or self.username or ""


class LoggedIn(Struct, frozen=True):
    """The token to send as ``Authorization: Bearer ...`` for ``expires_in`` seconds."""

    user_id: int
    access_token: str
    token_type: str
    expires_in: int


class User(Struct, frozen=True):
    """A user as others may see them: never with a password."""

    id: int
    username: str
    address: str


class Changes(Struct, frozen=True):
    """What to change; what is left out stays."""

    password: Password | None = None
    address: Line | None = None
    current_password: Given | None = None


class UserCreated(Struct, frozen=True):
    """A user was added."""

    user_id: int
    username: str


class UserDeleted(Struct, frozen=True):
    """A user is gone."""

    user_id: int


class NoSuchUser(Fault, code=Code.NOT_FOUND):
    """There is no user {user_id}."""

    user_id: int


class NameTaken(Fault, code=Code.ALREADY_EXISTS):
    """The name {username} belongs to somebody else."""

    username: str


class WrongCredentials(Fault, code=Code.UNAUTHENTICATED):
    """Name or password is wrong."""


class TooManyAttempts(Fault, code=Code.RESOURCE_EXHAUSTED):
    """Too many wrong passwords; try again in {minutes} minutes."""

    minutes: int


class WrongPassword(Fault, code=Code.PERMISSION_DENIED):
    """The current password is wrong."""


class UserHasOrders(Fault, code=Code.FAILED_PRECONDITION, status=409):
    """User {user_id} has orders; delete these first."""

    user_id: int


class Users(Contract, version="1.0"):
    """Users, their addresses, and how they log in."""

    created = Event(UserCreated)
    deleted = Event(UserDeleted)

    @post("/api/users", faults=[NameTaken], allow=anyone)
    async def register(self, user: Annotated[NewUser, _ONE_NAME]) -> Created:
        """Adds a new user to the system."""
        ...

    @get("/api/users", allow=role("admin"))
    async def users(self, limit: Limit = 100, cursor: Cursor | None = None) -> Page[User]:
        """Lists the users."""
        ...

    @post("/api/login", faults=[WrongCredentials, TooManyAttempts], allow=anyone)
    async def login(self, credentials: Credentials) -> LoggedIn:
        """Logs in a user."""
        ...

    @get("/api/user/{id}", faults=[NoSuchUser], allow=owner("id") | role("admin"), etag=True)
    async def user(self, id: Id) -> User:
        """Gets info of a user given its id."""
        ...

    @put(
        "/api/user/{id}",
        faults=[NoSuchUser, WrongPassword],
        allow=owner("id") | role("admin"),
        if_match="user",
    )
    async def change(self, id: Id, changes: Changes) -> Done:
        """Changes password and address of a user."""
        ...

    @delete(
        "/api/user/{id}",
        faults=[NoSuchUser, UserHasOrders],
        allow=owner("id") | role("admin"),
    )
    async def delete(self, id: Id) -> Done:
        """Deletes a user."""
        ...
