"""require(): a contract's rules, asked inside a method."""

from typing import Any

from coterie.contract import Code, Rule

from .context import current
from .failure import Failure

__all__ = ["require"]


def require(rule: Rule, **values: Any) -> None:
    """Refuse the present call unless ``rule`` holds for its principal and ``values``.

    ::

        order = await self.store.load(order_id)
        require(owner("user_id") | role("admin"), user_id=order.user_id)

    For what only the service knows; what the arguments tell belongs into ``allow=``. Raises
    `Failure`: ``unauthenticated`` where nobody is logged in, else ``permission_denied``.
    """
    principal = current().principal
    if rule.allows(principal, values):
        return
    if principal is None:
        raise Failure(Code.UNAUTHENTICATED, f"Log in first: this is for {rule}")
    raise Failure(Code.PERMISSION_DENIED, f"This is for {rule}")
