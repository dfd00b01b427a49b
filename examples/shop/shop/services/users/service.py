"""The users service."""

from typing import Literal

from coterie import Page, Struct, on_start
from coterie.identity import TokenIssuer
from coterie.identity.passwords import CHEAP, RFC9106, Passwords
from shop.contracts.answers import Created, Done
from shop.contracts.orders import Orders
from shop.contracts.users import (
    Changes,
    Credentials,
    LoggedIn,
    NameTaken,
    NewUser,
    NoSuchUser,
    TooManyAttempts,
    User,
    UserCreated,
    UserDeleted,
    Users,
    WrongCredentials,
    WrongPassword,
)

from .store import UserStore

ATTEMPTS = 10
LOCKED_MINUTES = 5
ADMINISTRATOR = "admin"


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

    @on_start
    async def administrator(self) -> None:
        """An administrator, as soon as the settings name a password: at any start."""
        password = self.settings.admin_password
        if password and await self.store.for_login(ADMINISTRATOR) is None:
            hashed = await self.passwords.hash(password)
            await self.store.add_administrator(ADMINISTRATOR, hashed)

    async def register(self, user: NewUser) -> Created:
        if user.login == ADMINISTRATOR:  # kept for the one above, who may come later
            raise NameTaken(user.login)
        hashed = await self.passwords.hash(user.password)
        user_id = await self.store.add(user.login, hashed, user.address)
        await self.created(UserCreated(user_id, user.login))
        return Created("User added to the system.", f"/api/user/{user_id}")

    async def users(self, limit: int = 100, cursor: str | None = None) -> Page[User]:
        rows = await self.store.page(limit, int(cursor or 0))
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
        # A look of its own: `If-Match` asks for it too, before what calls others.
        row = await self.store.look(id)
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
        if await self.store.look(id) is None:
            raise NoSuchUser(id)
        self.store.if_undone(lambda: self._reopen(id))
        # Who keeps the orders sees to it that none is added between this answer and the end.
        await self.orders.close(id)
        if not await self.store.remove(id):
            raise NoSuchUser(id)
        await self.deleted(UserDeleted(id))
        return Done("User deleted from the system.")

    async def _reopen(self, id: int) -> None:
        """Take orders again of a user who was not deleted after all."""
        if await self.store.look(id) is not None:
            await self.orders.reopen(id)
