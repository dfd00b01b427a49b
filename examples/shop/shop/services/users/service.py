"""The users service."""

from typing import Literal

from coterie import Page, Struct, seed
from coterie.identity import TokenIssuer
from coterie.identity.passwords import CHEAP, RFC9106, Passwords
from shop.contracts.answers import Created, Done
from shop.contracts.orders import Orders
from shop.contracts.users import (
    Changes,
    Credentials,
    LoggedIn,
    NewUser,
    NoSuchUser,
    TooManyAttempts,
    User,
    UserCreated,
    UserDeleted,
    UserHasOrders,
    Users,
    WrongCredentials,
    WrongPassword,
)

from .store import UserStore

ATTEMPTS = 10
LOCKED_MINUTES = 5


class Settings(Struct, frozen=True):
    """What `[service.users.settings]` may say."""

    admin_password: str = ""
    password_cost: Literal["strong", "cheap"] = "strong"


class UserService(Users):
    """Keeps users; issues the tokens that every service of the shop believes."""

    def __init__(
        self, store: UserStore, orders: Orders, tokens: TokenIssuer, settings: Settings
    ) -> None:
        self.store = store
        self.orders = orders
        self.tokens = tokens
        self.settings = settings
        self.passwords = Passwords(CHEAP if settings.password_cost == "cheap" else RFC9106)

    @seed
    async def administrator(self) -> None:
        """The first administrator, where the settings name a password."""
        if self.settings.admin_password:
            hashed = await self.passwords.hash(self.settings.admin_password)
            await self.store.add("admin", hashed, "the shop", admin=True)

    async def register(self, user: NewUser) -> Created:
        hashed = await self.passwords.hash(user.password)
        user_id = await self.store.add(user.login, hashed, user.address)
        await self.created(UserCreated(user_id, user.login))
        return Created("User added to the system.", f"/api/user/{user_id}")

    async def users(self, limit: int = 100, cursor: str | None = None) -> Page[User]:
        rows = await self.store.page(limit, after_of(cursor))
        found = [User(row["id"], row["username"], row["address"]) for row in rows]
        return Page(found, str(found[-1].id) if len(found) == limit else None)

    async def login(self, credentials: Credentials) -> LoggedIn:
        name = credentials.login
        if await self.store.count_attempt(name, LOCKED_MINUTES * 60) > ATTEMPTS:
            raise TooManyAttempts(LOCKED_MINUTES)
        row = await self.store.for_login(name)
        # An unknown name costs as much as a wrong password, and is answered alike.
        stored = None if row is None else row["password_hash"]
        right = await self.passwords.verify(stored, credentials.password)
        if row is None or not right:
            raise WrongCredentials
        await self.store.forget_attempts(name)
        token = self.tokens.issue(str(row["id"]), roles=["admin"] if row["admin"] else [])
        return LoggedIn(row["id"], token.access_token, token.token_type, token.expires_in)

    async def user(self, id: int) -> User:
        row = await self.store.by_id(id)
        if row is None:
            raise NoSuchUser(id)
        return User(row["id"], row["username"], row["address"])

    async def change(self, id: int, changes: Changes) -> Done:
        row = await self.store.look(id)
        if row is None:
            raise NoSuchUser(id)
        # Hashing takes long on purpose: all of it happens before the write begins.
        if changes.current_password is not None and not await self.passwords.verify(
            row["password_hash"], changes.current_password
        ):
            raise WrongPassword
        values: dict[str, str] = {}
        if changes.address is not None:
            values["address"] = changes.address
        if changes.password is not None:
            values["password_hash"] = await self.passwords.hash(changes.password)
        if values and not await self.store.change(id, values):
            raise NoSuchUser(id)
        return Done("User modified successfully")

    async def delete(self, id: int) -> Done:
        if await self.orders.of_user(id, limit=1):
            raise UserHasOrders(id)
        if not await self.store.remove(id):
            raise NoSuchUser(id)
        await self.deleted(UserDeleted(id))
        return Done("User deleted from the system.")


def after_of(cursor: str | None) -> int:
    """The id a page begins after; a cursor that is none of ours begins at the start."""
    return int(cursor) if cursor is not None and cursor.isdecimal() and len(cursor) < 17 else 0
