"""What the users service keeps."""

import time
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from coterie.store import Database
from shop.contracts.users import NameTaken

from .tables import login_failures, users


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
                return added.scalar_one()
        except IntegrityError:
            raise NameTaken(username) from None

    async def by_id(self, user_id: int) -> RowMapping | None:
        """The user with this id."""
        found = await self.database.execute(select(users).where(users.c.id == user_id))
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

    async def attempt(self, username: str) -> tuple[RowMapping | None, int, float]:
        """For a login: the user, how many logins failed in a row, seconds since the last."""
        of_name = select(login_failures).where(login_failures.c.username == username)
        async with self.database.reading():
            found = await self.database.execute(select(users).where(users.c.username == username))
            user = found.mappings().one_or_none()
            failed = (await self.database.execute(of_name)).mappings().one_or_none()
        if failed is None:
            return user, 0, 0.0
        return user, failed["count"], time.time() - failed["last_at"]

    async def note_failure(self, username: str, count: int) -> None:
        """Remember that ``count`` logins failed in a row; kept although the call fails."""
        async with self.database.transaction(independent=True):
            row = {"count": count, "last_at": int(time.time())}
            changed = await self.database.execute(
                update(login_failures).where(login_failures.c.username == username).values(row)
            )
            if changed.rowcount == 0:
                await self.database.execute(
                    insert(login_failures).values(username=username, **row)
                )

    async def forget_failures(self, username: str) -> None:
        """A login succeeded."""
        await self.database.execute(
            delete(login_failures).where(login_failures.c.username == username)
        )
