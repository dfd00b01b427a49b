"""Rules: who may call, said in the contract."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.contract import (
    Caller,
    Rule,
    Struct,
    anyone,
    authenticated,
    owner,
    role,
    scope,
)


@dataclass(frozen=True)
class Person:
    """Whoever calls; a principal has the same shape."""

    subject: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


class Order(Struct):
    user_id: int


ANN = Person("7")
CLERK = Person("8", roles=frozenset({"clerk"}))
READER = Person("9", scopes=frozenset({"orders:read"}))
BOTH = Person("10", frozenset({"orders:read"}), frozenset({"clerk"}))
MINE = {"user_id": 7, "order": Order(7), "raw": {"user": {"id": "7"}}}

# rule, those it lets in of: nobody, Ann (who owns it), a clerk, a reader, both
RULES: list[tuple[Rule, str]] = [
    (anyone, "nobody ann clerk reader both"),
    (authenticated, "ann clerk reader both"),
    (role("clerk"), "clerk both"),
    (scope("orders:read"), "reader both"),
    (owner("user_id"), "ann"),
    (owner("order.user_id"), "ann"),
    (owner("raw.user.id"), "ann"),
    (role("clerk") | owner("user_id"), "ann clerk both"),
    (role("clerk") & scope("orders:read"), "both"),
    (role("clerk") & owner("user_id"), ""),
    (role("clerk") & scope("orders:read") | owner("user_id"), "ann both"),
    ((role("clerk") | owner("user_id")) & scope("orders:read"), "both"),
    (anyone & role("clerk"), "clerk both"),
    (anyone | role("clerk"), "nobody ann clerk reader both"),
]
CALLERS = {"nobody": None, "ann": ANN, "clerk": CLERK, "reader": READER, "both": BOTH}


@pytest.mark.parametrize(("rule", "allowed"), RULES, ids=[str(rule) for rule, _ in RULES])
def test_a_rule_lets_in_whom_it_names_and_nobody_else(rule: Rule, allowed: str) -> None:
    found = [name for name, caller in CALLERS.items() if rule.allows(caller, MINE)]
    assert found == allowed.split()


@pytest.mark.parametrize(("rule", "allowed"), RULES, ids=[str(rule) for rule, _ in RULES])
def test_a_rule_knows_whether_a_stranger_can_pass(rule: Rule, allowed: str) -> None:
    """Documents show a lock, and callers log in first, exactly where nobody is refused."""
    assert rule.anonymous is ("nobody" in allowed)


@pytest.mark.parametrize("value", [7, "7", 7.0, UUID(int=7)], ids=repr)
def test_an_owner_is_told_by_text(value: object) -> None:
    """A subject is text (RFC 7519, 4.1.2), an id may be a number or a UUID."""
    assert owner("user_id").allows(Person(str(value)), {"user_id": value})


@pytest.mark.parametrize(
    "arguments",
    [{}, {"user_id": None}, {"user_id": 70}, {"user_id": "07"}, {"user_id": [7]}, {"other": 7}],
    ids=repr,
)
def test_what_is_absent_or_another_has_no_owner(arguments: dict[str, Any]) -> None:
    """A parameter that is missing, empty or of another lets nobody in, "None" least of all."""
    assert not owner("user_id").allows(ANN, arguments)
    assert not owner("user_id").allows(Person("None"), arguments)


@pytest.mark.parametrize("path", ["order.nothing", "order.user_id.more", "nothing.user_id"])
def test_a_path_that_leads_nowhere_lets_nobody_in(path: str) -> None:
    assert not owner(path).allows(Person("None"), MINE)
    assert not owner(path).allows(ANN, MINE)


def test_rules_read_as_sentences() -> None:
    """The sentence stands in documents and refusals."""
    rule = (role("clerk") | owner("user_id")) & scope("orders:read")
    assert str(rule) == "(role clerk or the owner (user_id)) and (scope orders:read)"
    assert str(anyone | authenticated) == "anyone or anyone logged in"


def test_a_rule_knows_its_scopes_and_parameters() -> None:
    """For the documentation, and for the check that the parameters exist."""
    rule = role("clerk") & scope("a") | owner("user_id") & scope("b") | owner("order.user_id")
    assert rule.scopes() == {"a", "b"}
    assert rule.parameters() == {"user_id", "order.user_id"}
    assert anyone.scopes() == anyone.parameters() == frozenset()


def test_rules_are_values() -> None:
    """Two contracts that say the same have the same rule."""
    assert role("a") | scope("b") == role("a") | scope("b")
    assert role("a") != scope("a")
    assert len({role("a"), role("a"), owner("a")}) == 2


def test_and_and_or_are_refused_where_an_operator_is_meant() -> None:
    """`role("a") and owner("b")` would be the owner alone, and let in too many."""
    with pytest.raises(TypeError, match=r"combine rules with `\|` and `&`"):
        _ = role("admin") and owner("user_id")
    with pytest.raises(TypeError, match=r"combine rules with `\|` and `&`"):
        _ = role("admin") or owner("user_id")


_callers = st.sampled_from([*CALLERS.values()])
_rules = st.recursive(
    st.sampled_from([anyone, authenticated, role("clerk"), scope("orders:read"), owner("user_id")]),
    lambda inner: (
        st.builds(lambda a, b: a | b, inner, inner) | st.builds(lambda a, b: a & b, inner, inner)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(_rules, _rules, _callers)
def test_rules_combine_as_logic_does(a: Rule, b: Rule, caller: Caller | None) -> None:
    """However deep: `|` lets in whom either lets in, `&` whom both do; never a stranger else."""
    one, other = a.allows(caller, MINE), b.allows(caller, MINE)
    assert (a | b).allows(caller, MINE) == (one or other)
    assert (a & b).allows(caller, MINE) == (one and other)
    assert a.anonymous == a.allows(None, MINE)
