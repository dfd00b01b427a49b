"""Which services share a process, and how many of each run: what ``coterie.toml`` says of it."""

from pathlib import Path

import pytest

from coterie.system import Replicas, SystemProblems, load

SYSTEM = """
[system]
name = "shop"
[service.users]
implements = "a:Users"
[service.orders]
implements = "a:Orders"
[service.mail]
implements = "a:Mail"
"""


def groups(tmp_path: Path, text: str) -> dict[str, tuple[str, ...]]:
    (tmp_path / "coterie.toml").write_text(SYSTEM + text)
    return {group.name: group.together for group in load(tmp_path, environment={}).groups}


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SystemProblems) as found:
        groups(tmp_path, text)
    return [problem.what for problem in found.value.problems]


def test_each_service_is_a_process_of_its_own(tmp_path: Path) -> None:
    alone = {"users": ("users",), "orders": ("orders",), "mail": ("mail",)}
    assert groups(tmp_path, "") == alone


def test_services_share_a_process(tmp_path: Path) -> None:
    text = '[process.core]\ntogether = ["users", "orders"]\nreplicas = 2\n'
    assert groups(tmp_path, text) == {"core": ("users", "orders"), "mail": ("mail",)}
    assert load(tmp_path, environment={}).groups[0].replicas == 2


def test_replicas_follow_the_load(tmp_path: Path) -> None:
    text = "[service.stock]\nimplements = 'a:B'\nreplicas = { max = 6, target_in_flight = 2.5 }\n"
    groups(tmp_path, text)
    assert load(tmp_path, environment={}).service("stock").replicas == Replicas(1, 6, 2.5)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[process.core]\ntogether = ["usrs"]\n', "there is no service usrs"),
        ("[process.core]\ntogether = []\n", "[process.core] together takes a list of services"),
        (
            '[process.a]\ntogether = ["users"]\n[process.b]\ntogether = ["users"]\n',
            "service users is in [process.a] already",
        ),
        (
            '[process.mail]\ntogether = ["users"]\n',
            "[process.mail] has the name of a service that runs elsewhere",
        ),
        (
            '[process.core]\ntogether = ["big"]\n[service.big]\nimplements = "a:B"\nreplicas = 2\n',
            "service big says replicas, and runs in [process.core]",
        ),
        (
            "[service.s]\nimplements = 'a:B'\nreplicas = { min = 3, max = 2 }\n",
            (
                "[service.s] replicas takes a whole number, 1 to 1000, or a table of min, max and"
                " target_in_flight"
            ),
        ),
        (
            "[service.s]\nimplements = 'a:B'\nreplicas = { most = 2 }\n",
            (
                "[service.s] replicas takes a whole number, 1 to 1000, or a table of min, max and"
                " target_in_flight"
            ),
        ),
        (
            '[gateway]\ntls = "on"\n',
            (
                '[gateway] tls takes "self-signed", or a table of certificate and key (files), not'
                " 'on'"
            ),
        ),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, text: str, what: str) -> None:
    assert problems(tmp_path, text) == [what]
