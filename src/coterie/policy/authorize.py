"""May they: the rule an operation declares, held against who calls and with what."""

from coterie.call import Call, Handler, Policy, Reply, refusal
from coterie.contract import Rule

__all__ = ["authorize"]


def authorize(default: Rule) -> Policy:
    """Refuse calls that the operation's rule does not allow; ``default`` where it declares none.

    There is no default for the default: that a system is open has to be somebody's choice
    (``anyone``). Refusals are `Failure`: ``unauthenticated`` where nobody is logged in, else
    ``permission_denied``, naming scopes that are missing as RFC 6750, 3.1 says.
    """

    def policy(handler: Handler) -> Handler:
        async def authorized(call: Call) -> Reply:
            rule = call.operation.rule
            if rule is None:
                rule = default
            principal = call.context.principal
            if not rule.allows(principal, call.arguments):
                raise refusal(rule, principal)
            return await handler(call)

        return authorized

    return policy
