"""Policies that make no sense are found by `check`, with their line, all at once."""

import pytest

from tests.system.folder import Folder, told
from tests.system.guarded import CLERK, guarded

ALONE = """
    from coterie import Service, post

    class Alone(Service, version="1.0"):
        @post("/put")
        async def put(self, text: str) -> int: ...
"""
PLAIN = '[system]\nname = "x"\n[service.a]\nimplements = "a:B"\n'  # four lines

# What stands in the file, and what is said of it, beginning with the line.
WRONG = [
    ("[policy]\nretry = { attempts = 0 }\n", "6: retry: attempts = 0. The first attempt counts"),
    ("[policy]\nretry = { base = nan }\n", "6: retry: base = nan. Take a number of seconds"),
    ("[policy]\nretry = { base = inf, cap = inf }\n", "6: retry: base = inf."),
    ("[policy]\nretry = { base = 2.0 }\n", "6: retry: cap = 1.0. The longest wait"),
    ("[policy]\nretry = { budget = 1.5 }\n", "6: retry: budget = 1.5."),
    ("[policy]\nretry = { attempts = 'x' }\n", "6: [policy.retry] attempts takes a whole number,"),
    ("[policy]\nretry = { atempts = 2 }\n", "6: [policy.retry] has no key atempts. Did you mean"),
    ("[policy]\nretry = { attempts = 11 }\n", "6: retry: attempts = 11. What failed 10 times"),
    (
        "[policy]\nhedge = { after = 'p200' }\n",
        "6: [policy.hedge] after takes seconds, above 0, or",
    ),
    ("[policy]\nshed = { wait = 0 }\n", "6: [policy.shed] wait takes seconds, above 0, 10 at most"),
    (
        "[service.a.operation.b]\nshed = false\n",
        "6: [service.a.operation.b] has no key shed. It belongs in [service.a.policy].",
    ),
    ("[policy]\nretry = 3\n", "6: [policy] retry takes true, false, or a table of its values"),
    ("[policy]\nrety = false\n", "6: [policy] has no key rety. Did you mean retry?"),
    ("[policy]\nbreaker = { failures = 0.0 }\n", "6: breaker: failures = 0.0."),
    ("[policy]\nbulkhead = { queue = 5, wait = 0.0 }\n", "6: bulkhead: wait = 0."),
    ("[policy]\nbulkhead = { calls = -1 }\n", "6: bulkhead: calls = -1."),
    ("[policy]\nshed = { most = 0 }\n", "6: [policy.shed] most takes a whole number, 1 or more"),
    ("[policy]\nidempotency = 'requird'\n", '6: [policy] idempotency takes "accepted", "required"'),
    ("[policy]\nidempotency = { keep = -1.0 }\n", "6: idempotency: keep = -1.0."),
    ("[policy]\ntimeout = 1\nhedge = { after = 2.0 }\n", "7: hedge.after is 2 s, and a call ends"),
    ("[policy]\nslow_start = -1\n", "6: [policy] slow_start takes seconds, 0 to 3600, not -1."),
    ("[policy]\nbalance = 'random'\n", '6: [policy] balance takes "two-choices", "round-robin"'),
    ("[policy]\npriority = 'high'\n", "6: [policy] has no key priority."),
    ("[service.a.policy]\ntimeout = 0\n", "6: [service.a.policy] timeout takes seconds, above 0"),
    ("[service.a.policy]\nfallback = 1\n", "6: [service.a.policy] has no key fallback."),
    (
        "[service.a.operation.b]\nbreaker = false\n",
        "6: [service.a.operation.b] has no key breaker. It belongs in [service.a.policy].",
    ),
    ("[service.a.operation.b]\npriority = 'urgent'\n", "6: [service.a.operation.b] priority takes"),
    ("[service.a.operation]\nb = 3\n", "6: [service.a.operation.b] is no table."),
]


@pytest.mark.parametrize(("tables", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_senseless_value_is_named_with_its_line(tables: str, said: str, folder: Folder) -> None:
    """By the file alone, before any code is looked at."""
    wrong = told(PLAIN + tables, folder.path)
    assert len(wrong) == 1
    assert wrong[0].startswith(said), wrong[0]


def test_all_of_them_are_named_at_once(folder: Folder) -> None:
    """Whoever mends one has not to come back for the next."""
    tables = "[policy]\ncache = 3\nretry = { attempts = 0 }\nbreaker = { failurs = 0.5 }\n"
    tables += "[service.a.policy]\nbulkhead = { calls = 0 }\n"
    lines = [problem.partition(":")[0] for problem in told(PLAIN + tables, folder.path)]
    assert lines == ["6", "7", "8", "10"]


def test_all_values_of_one_policy_are_named_at_once(folder: Folder) -> None:
    """Each by itself; one that is wrong by a default alone is not told."""
    tables = "[policy]\nbreaker = { calls = 0, window = -1, open = 0, longest = 0.1 }\n"
    wrong = told(PLAIN + tables, folder.path)
    assert [problem.split(" ")[2] for problem in wrong] == ["calls", "window", "open"]


def test_off_may_be_written_as_a_mode(folder: Folder) -> None:
    """As the other two may; how long keys are kept makes no sense with it."""
    assert told(PLAIN + '[policy]\nidempotency = { mode = "off" }\n', folder.path) == []
    # Control: no other word is one.
    assert len(told(PLAIN + '[policy]\nidempotency = { mode = "of" }\n', folder.path)) == 1


def test_values_that_only_fit_together_with_a_wider_table_are_right(folder: Folder) -> None:
    """A table is judged with what it inherits."""
    fits = "[policy]\nretry = { base = 0.001 }\n[service.a.policy]\nretry = { cap = 0.01 }\n"
    assert told(PLAIN + fits, folder.path) == []
    # Control: alone it would be below the default of `base`.
    alone = "[service.a.policy]\nretry = { cap = 0.01 }\n"
    assert len(told(PLAIN + alone, folder.path)) == 1


# What the code has to be looked at for.
MISFITS = [
    ("hedge = true\n", "hedge is for operations that only read, and desk.write is not safe"),
    ("cache = true\n", "cache is for operations that only read"),
    ("coalesce = true\n", "coalesce is for operations that only read"),
    ("fallback = 1\n", "desk.write may change something, and a fallback would say that it did"),
    ('balance = { hash = "usr" }\n', "desk.write has no parameter 'usr' to choose by. Did you me"),
    ("keyed = true\nretry = false\n", "desk.write is keyed so that it can be retried, and retry"),
    ('keyed = true\nidempotency = "off"\n', "callers give desk.write keys, but off:"),
    ("retry = { budget = 0.5 }\n", "the calls of all operations of desk share one budget."),
]


@pytest.mark.parametrize(("keys", "said"), MISFITS, ids=[keys.strip() for keys, _ in MISFITS])
def test_what_an_operation_cannot_have_is_named(keys: str, said: str, folder: Folder) -> None:
    """A table of the operation's own says something that its contract forbids."""
    wrong = guarded(folder, f"[service.desk.operation.write]\n{keys}").problems()
    assert len(wrong) == 1
    assert said in wrong[0]
    assert wrong[0].startswith("coterie.toml:8:")


READS = [
    ('idempotency = "required"\n', "desk.note takes no idempotency key: it is idempotent by itsel"),
    ("hedge = { after = 2.5 }\n", "hedge.after is 2.5 s, and the call ends after 2 s"),
    ("fallback = 3\n", "the fallback of desk.note is no result of it: Expected `object`"),
]


@pytest.mark.parametrize(("keys", "said"), READS, ids=[keys.strip() for keys, _ in READS])
def test_what_a_reading_operation_cannot_have_is_named(
    keys: str, said: str, folder: Folder
) -> None:
    """The same for one that changes nothing."""
    wrong = guarded(folder, f"[service.desk.operation.note]\n{keys}").problems()
    assert len(wrong) == 1
    assert said in wrong[0]


def test_the_same_for_all_operations_is_no_mistake(folder: Folder) -> None:
    """Control: said for a whole service, it applies to those that can have it."""
    tables = '[service.desk.policy]\nhedge = true\ncache = true\nidempotency = "required"\n'
    assert guarded(folder, tables).problems() == []


def test_a_table_of_no_operation_is_named(folder: Folder) -> None:
    """It would protect nothing, and nobody would notice."""
    wrong = guarded(folder, "[service.desk.operation.wrte]\ntimeout = 1\n").problems()
    assert wrong == [
        "coterie.toml:7: desk has no operation 'wrte'. Did you mean write?",
    ]
    wrong = guarded(folder, '[service.desk.policy]\nbalance = { hash = "numbr" }\n').problems()
    assert len(wrong) == 1
    assert "Did you mean number?" in wrong[0]


def test_a_parameter_that_no_operation_of_the_system_has_is_named(folder: Folder) -> None:
    """Said for all: it would choose nothing anywhere, and nobody would notice."""
    wrong = guarded(folder, '[policy]\nbalance = { hash = "numbr" }\n').problems()
    assert wrong == [
        "coterie.toml:8: no operation of office has a parameter 'numbr'. Did you mean number?",
    ]
    # Control: it is enough that some operation has it.
    assert guarded(folder, '[policy]\nbalance = { hash = "number" }\n').problems() == []


def test_keys_that_nobody_takes_are_a_contradiction(folder: Folder) -> None:
    """In one table; a service or an operation may be an exception to a wider one."""
    off = 'idempotency = "off"\n'
    services = CLERK.replace("ClerkService", "Alone")
    folder.write("alone.py", ALONE)
    services = services.replace("office", "alone")
    both = f"[policy]\nkeyed = true\n{off}"
    wrong = guarded(folder, both, services).problems()
    assert len(wrong) == 1
    assert wrong[0].startswith("coterie.toml:6: callers are told to give calls keys, and the")
    apart = f"[policy]\nkeyed = true\n[service.clerk.policy]\n{off}"
    assert guarded(folder, apart, services).problems() == []


def test_a_workload_that_is_not_there_is_named(folder: Folder) -> None:
    """Before anybody wants to run it."""
    wrong = guarded(folder, '[chaos]\nworkload = "nope:X"\n').problems()
    assert len(wrong) == 1
    assert wrong[0].startswith("coterie.toml:8: [chaos] workload: nope cannot be imported")


def test_keys_need_a_database(folder: Folder) -> None:
    """Keys that are required have to be kept somewhere."""
    tables = '[service.clerk.policy]\nidempotency = "required"\n'
    wrong = guarded(folder, tables).problems()
    assert len(wrong) == 1
    assert "clerk asks for no Database to keep answers in" in wrong[0]
    # Control: said for the whole system, it is meant for those that have one.
    assert guarded(folder, '[policy]\nidempotency = "required"\n').problems() == []
