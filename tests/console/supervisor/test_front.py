"""What Envoy is told of a system: who is public, and whom programs find inside."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from coterie.console.supervisor.front import EnvoyFront
from coterie.console.supervisor.kept import Kept
from coterie.console.supervisor.launch import Launcher
from coterie.console.supervisor.program_workers import EnvoyWorker
from coterie.registry import Instance
from coterie.system import Blueprint, Inventory, ServiceEntry, System, load

TOML = """
[system]
name = "lab"

[service.users]
command = "./users"

[service.back]
command = "./back"
public = false
"""


def entry(name: str, *, public: bool = True) -> ServiceEntry:
    return ServiceEntry(name=name, target=f"./{name}", kind="command", public=public)


USERS, BACK = entry("users"), entry("back", public=False)


class Ports:
    """The ports that the supervisor has chosen by now."""

    def __init__(self, **ports: int) -> None:
        self.ports: Mapping[str, int] = ports

    def __call__(self) -> Mapping[str, int]:
        return self.ports


@pytest.fixture
def system(tmp_path: Path) -> System:
    (tmp_path / "coterie.toml").write_text(TOML)
    return load(tmp_path, environment={}, state=tmp_path / "state")


def blueprint(*services: ServiceEntry) -> Blueprint:
    return Blueprint(Inventory(system="lab", services=services))


class Idle:
    """What stands for Envoy's process: it never runs."""

    up = False


def front_of(system: System, made: Blueprint, folder: Path, ports: Ports) -> EnvoyFront:
    def keep(_: EnvoyWorker) -> Kept:
        return cast(Kept, Idle())

    folder.mkdir()
    launcher = cast(Launcher, None)
    where = "http://127.0.0.1:9"
    return EnvoyFront(system, made, folder, where, None, launcher, 2, folder, keep, inside=ports)


def listeners(files: Mapping[str, bytes]) -> dict[str, int]:
    told: list[Any] = json.loads(files["lds.json"])["resources"]
    return {one["name"]: one["address"]["socket_address"]["port_value"] for one in told}


def clusters(files: Mapping[str, bytes]) -> set[str]:
    return {one["name"] for one in json.loads(files["cds.json"])["resources"]}


def test_who_is_found_inside_is_known(system: System, tmp_path: Path) -> None:
    """Be it public or not; and of a port that nobody belongs to nothing is made."""
    ports = Ports(users=9001, back=9002, nobody=9003)
    front = front_of(system, blueprint(USERS, BACK), tmp_path / "envoy", ports)
    files = front.files()
    assert listeners(files) == {"gateway": 8080, "inside-users": 9001, "inside-back": 9002}
    assert clusters(files) == {"users", "back", "console"}
    assert next(iter(files)).startswith("eds/")


def test_without_programs_nothing_is_inside(system: System, tmp_path: Path) -> None:
    """And who is not public is not known."""
    front = front_of(system, blueprint(USERS, BACK), tmp_path / "envoy", Ports())
    assert listeners(front.files()) == {"gateway": 8080}
    assert clusters(front.files()) == {"users", "console"}
    front.endpoints("back", (Instance(service="back", id="back-1", url="http://127.0.0.1:5"),))
    assert not (tmp_path / "envoy" / "eds" / "back.json").exists()


def test_a_service_that_joins_is_known_once_it_is_routed(system: System, tmp_path: Path) -> None:
    """With its instances, which were there before; and it keeps the ports of the others."""
    ports = Ports(users=9001)
    folder = tmp_path / "envoy"
    front = front_of(system, blueprint(USERS), folder, ports)
    front.endpoints("back", (Instance(service="back", id="back-1", url="http://127.0.0.1:5"),))
    ports.ports = {"users": 9001, "back": 9002}
    assert "back" not in clusters(front.files())
    asyncio.run(front.renew(system, blueprint(USERS, structs.replace(BACK))))
    written = {name: (folder / name).read_bytes() for name in ("lds.json", "cds.json")}
    assert listeners(written) == {"gateway": 8080, "inside-users": 9001, "inside-back": 9002}
    assert clusters(written) == {"users", "back", "console"}
    assert b'"port_value": 5' in (folder / "eds" / "back.json").read_bytes()
