"""What the users service keeps."""

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from coterie.store import Database
from shop.contracts.users import NameTaken

from .tables import login_failures, users

# What every call in a user's name runs: built once.
BY_ID = select(users).where(users.c.id == bindparam("user"))


class UserStore:
    """Users and their password hashes, in a database of their own."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(
        self, username: str, password_hash: str, address: str, *, admin: bool = False
    ) -> int:
        """Add a user; its new id. Raises `NameTaken`."""
        row = {
            "username": username,
            "password_hash": password_hash,
            "address": address,
            "admin": admin,
        }
        try:
            async with self.database.savepoint():
                added = await self.database.execute(insert(users).values(row).returning(users.c.id))
                user_id: int = added.scalar_one()
                return user_id
        except IntegrityError:
            raise NameTaken(username) from None

    async def by_id(self, user_id: int) -> RowMapping | None:
        """The user with this id."""
        found = await self.database.execute(BY_ID, {"user": user_id})
        return found.mappings().one_or_none()

    async def look(self, user_id: int) -> RowMapping | None:
        """The user as it is now, before this call does something long and then writes."""
        async with self.database.reading():
            return await self.by_id(user_id)

    async def page(self, limit: int, after: int) -> list[RowMapping]:
        """Up to ``limit`` users with ids above ``after``."""
        query = select(users).where(users.c.id > after).order_by(users.c.id).limit(limit)
        return list((await self.database.execute(query)).mappings())

    async def change(self, user_id: int, values: dict[str, Any]) -> bool:
        """Set columns of a user; whether there is such a user."""
        changed = await self.database.execute(
            update(users).where(users.c.id == user_id).values(values)
        )
        return changed.rowcount == 1

    async def remove(self, user_id: int) -> bool:
        """Remove a user; whether there was one."""
        removed = await self.database.execute(delete(users).where(users.c.id == user_id))
        return removed.rowcount == 1

    async def add_administrator(self, username: str, password_hash: str) -> None:
        """Add the administrator, at the start, unless another process has just done so."""
        with contextlib.suppress(NameTaken):
            async with self.database.transaction():
                await self.add(username, password_hash, "the shop", admin=True)

    async def for_login(self, username: str) -> RowMapping | None:
        """The user with this name, as known before this call writes."""
        async with self.database.reading():
            found = await self.database.execute(select(users).where(users.c.username == username))
            return found.mappings().one_or_none()

    async def count_attempt(self, username: str, window: int) -> int:
        """Count a login before it is judged, so that many at once cannot slip through.

        Gives how many there were since the last success within ``window`` seconds. Kept although
        the call may fail; what is older than the window is forgotten, for any name.
        """
        now = int(time.time())
        of_name = login_failures.c.username == username
        async with self.database.transaction(independent=True):
            await self.database.execute(
                delete(login_failures).where(login_failures.c.last_at < now - window)
            )
            counted = update(login_failures).where(of_name)
            counted_up = counted.values(count=login_failures.c.count + 1)
            row = await self.database.execute(counted_up.returning(login_failures.c.count))
            count: int | None = row.scalar_one_or_none()
            if count is not None:
                return count
            try:
                async with self.database.savepoint():
                    first = {"username": username, "count": 1, "last_at": now}
                    await self.database.execute(insert(login_failures).values(first))
            except IntegrityError:
                # Two first attempts at once; the other one has written the row by now.
                row = await self.database.execute(counted_up.returning(login_failures.c.count))
                second: int = row.scalar_one()
                return second
            return 1

    def if_undone(self, action: Callable[[], Awaitable[object]]) -> None:
        """Do ``action`` should this call's changes be rolled back after all."""
        self.database.unit.after_rollback(action)

    async def forget_attempts(self, username: str) -> None:
        """A login succeeded."""
        await self.database.execute(
            delete(login_failures).where(login_failures.c.username == username)
        )
