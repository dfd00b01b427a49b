"""require(): a contract's rules, asked inside a method."""

from typing import Any

from coterie.contract import Code, Rule

from .context import current
from .failure import Failure
from .principal import Principal

__all__ = ["refusal", "require"]


def require(rule: Rule, **values: Any) -> None:
    """Refuse the present call unless ``rule`` holds for its principal and ``values``.

    ::

        order = await self.store.load(order_id)
        require(owner("user_id") | role("admin"), user_id=order.user_id)

    For what only the service knows; what the arguments tell belongs into ``allow=``. Raises
    `Failure`: ``unauthenticated`` where nobody is logged in, else ``permission_denied``.
    """
    principal = current().principal
    if not rule.allows(principal, values):
        raise refusal(rule, principal)


def refusal(rule: Rule, principal: Principal | None) -> Failure:
    """What ``principal``, whom ``rule`` does not allow, is told: who to be, or which scopes lack.

    Source: RFC 6750, 3.1.
    """
    if principal is None:
        return Failure(Code.UNAUTHENTICATED, f"Log in first: this is for {rule}")
    missing = " ".join(sorted(rule.scopes() - principal.scopes))
    challenge = f'Bearer error="insufficient_scope", scope="{missing}"'
    headers = (("www-authenticate", challenge),) if missing else ()
    return Failure(Code.PERMISSION_DENIED, f"This is for {rule}", headers=headers)
