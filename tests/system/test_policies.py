"""Which rules hold for a call: the most specific table wins, field by field, and says where it is."""

import pytest
from msgspec import UNSET

from coterie.policy import Breaking, Bulk, Hedge, Keeping, Retry, Shedding
from coterie.registry import Hashing
from coterie.system import SystemProblems
from tests.system.folder import Folder
from tests.system.guarded import policies


def test_every_call_is_protected_unless_somebody_says_otherwise(folder: Folder) -> None:
    """Defaults: what protects is on, what changes the meaning of a call is off."""
    found = policies(folder, "", "write")
    assert (found.timeout, found.retry, found.breaker) == (30.0, Retry(), Breaking())
    assert (found.bulkhead, found.shed, found.idempotency) == (Bulk(), Shedding(), Keeping())
    assert (found.hedge, found.cache, found.coalesce, found.fallback) == (None, None, False, UNSET)
    assert (found.balance, found.slow_start, found.priority) == ("two-choices", 5.0, "normal")
    assert not found.keyed
    assert found.source("retry", "attempts") == found.source("timeout") == "default"


def test_the_more_specific_table_wins_field_by_field(folder: Folder) -> None:
    """A table that sets one number leaves the others as they were, each with its own line."""
    tables = """\
[policy]
retry = { attempts = 5, base = 0.2 }
[service.desk.policy]
retry = { attempts = 4 }
[service.desk.operation.write.retry]
cap = 2.0
"""
    found = policies(folder, tables, "write")
    assert found.retry == Retry(attempts=4, base=0.2, cap=2.0)
    sources = [found.source("retry", name) for name in ("attempts", "base", "cap", "budget")]
    assert sources == ["coterie.toml:10", "coterie.toml:8", "coterie.toml:12", "default"]
    # Control: another operation of the same service knows nothing of the last table.
    assert policies(folder, tables, "drop").retry == Retry(attempts=4, base=0.2)


def test_false_switches_off_and_a_table_further_in_on_again(folder: Folder) -> None:
    """What is off for the system may be on for a service, and the other way round."""
    tables = "[policy]\nretry = false\n[service.desk.operation.write]\nretry = true\n"
    assert policies(folder, tables, "write").retry == Retry()
    off = policies(folder, tables, "drop")
    assert off.retry is None
    assert off.absent["retry"] == "off: coterie.toml:8"
    tables = "[service.desk.policy]\nshed = false\nbulkhead = false\nbreaker = false\n"
    found = policies(folder, tables, "write")
    assert (found.shed, found.bulkhead, found.breaker) == (None, None, None)


def test_a_contract_s_timeout_beats_wide_tables_and_yields_to_its_own(folder: Folder) -> None:
    """Whoever names the operation means it; a line for all does not overrule a contract by accident."""
    tables = "[policy]\ntimeout = 7\n[service.desk.policy]\ntimeout = 6\n"
    found = policies(folder, tables, "note")
    assert (found.timeout, found.source("timeout")) == (2.0, "contract desk.note")
    assert policies(folder, tables, "notes").timeout == 6.0
    found = policies(folder, f"{tables}[service.desk.operation.note]\ntimeout = 3\n", "note")
    assert (found.timeout, found.source("timeout")) == (3.0, "coterie.toml:12")


def test_what_holds_for_all_applies_where_the_kind_of_operation_allows_it(folder: Folder) -> None:
    """Hedges, caches and coalescing for a whole system never touch what changes something."""
    tables = "[policy]\nhedge = true\ncoalesce = true\ncache = { entries = 7 }\n"
    reads = policies(folder, tables, "note")
    assert (reads.hedge, reads.coalesce) == (Hedge(), True)
    assert reads.cache is not None
    writes = policies(folder, tables, "write")
    assert (writes.hedge, writes.coalesce) == (None, False)
    # It drops what it changes from what is kept: so the cache is round it, too.
    assert writes.cache == reads.cache
    assert "not safe" in writes.absent["hedge"]
    assert policies(folder, tables, "lines").hedge is None


def test_keys_are_for_what_has_an_effect_and_a_database_to_keep_them_in(folder: Folder) -> None:
    """A retry that counts on a key which nobody keeps would have its effect twice."""
    assert policies(folder, "", "write").idempotency == Keeping()
    assert policies(folder, "", "write", keeps=False).idempotency is None
    for name in ("note", "drop", "lines"):
        assert policies(folder, "", name).idempotency is None
    tables = '[service.desk.operation.write]\nidempotency = "required"\n'
    found = policies(folder, tables, "write")
    assert (found.idempotency, found.keyed) == (Keeping(mode="required"), True)
    tables = '[service.desk.operation.write]\nidempotency = "off"\n'
    assert policies(folder, tables, "write").idempotency is None
    found = policies(folder, "", "pay")
    assert (found.keyed, found.source("keyed")) == (True, "contract desk.pay")


def test_a_parameter_to_choose_by_counts_where_there_is_one(folder: Folder) -> None:
    """Calls of a service about one number go to one instance; the others anywhere."""
    tables = '[service.desk.policy]\nbalance = { hash = "number" }\n'
    assert policies(folder, tables, "note").balance == Hashing(hash="number")
    assert policies(folder, tables, "notes").balance == "two-choices"


def test_a_fallback_is_a_value_of_the_result(folder: Folder) -> None:
    """It is read as the contract promises it, not as the file writes it."""
    tables = '[service.desk.operation.note]\nfallback = { text = "none" }\n'
    found = policies(folder, tables, "note")
    assert type(found.fallback).__name__ == "Note"
    assert found.fallback.text == "none"


def test_a_profile_s_tables_count_before_the_others(folder: Folder) -> None:
    """And their lines are told."""
    tables = "[policy]\ntimeout = 7\n[profile.slow.policy]\ntimeout = 70\nretry = false\n"
    assert policies(folder, tables, "notes").timeout == 7.0
    found = policies(folder, tables, "notes", profile="slow")
    assert (found.timeout, found.source("timeout")) == (70.0, "coterie.toml:10")
    assert found.absent["retry"] == "off: coterie.toml:11"


def test_what_contradicts_itself_is_not_resolved(folder: Folder) -> None:
    """Nobody builds from what `check` refuses."""
    with pytest.raises(SystemProblems):
        policies(folder, "[service.desk.operation.write]\nhedge = true\n", "write")
