"""What a program that joins as it is finds around it: its environment and its folder."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .model import System
from .specs import ServiceSpec

__all__ = ["directory_of", "move_in", "surroundings", "variable"]

_HOST = "127.0.0.1"


def variable(service: str) -> str:
    """The variable that holds the address of ``service``: ``USER_SERVICE_URL``."""
    return f"{service.upper().replace('-', '_')}_URL"


def directory_of(system: System, spec: ServiceSpec) -> Path:
    """The working directory of a program."""
    return system.folder / (spec.directory or "")


def surroundings(
    system: System,
    spec: ServiceSpec,
    *,
    instance: str,
    port: int,
    gateway: str,
    registry: str,
    token: str,
    inside: Mapping[str, int],
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of one instance of a program: ours, then what is told it, then its own.

    ``port`` is where it is to listen; ``gateway`` and ``registry`` are URLs, ``token`` what the
    registry knows it by; ``inside`` are the ports at which other services answer on the loopback.
    ``environment`` is this process's own unless given. The keys of its table win over all others.
    """
    others = {name: found for name, found in inside.items() if name != spec.name}
    return {
        **(os.environ if environment is None else environment),
        "HOST": _HOST,
        "PORT": str(port),
        "COTERIE_SYSTEM": system.name,
        "COTERIE_SERVICE": spec.name,
        "COTERIE_INSTANCE": instance,
        "COTERIE_GATEWAY_URL": gateway,
        "COTERIE_REGISTRY_URL": registry,
        "COTERIE_REGISTRY_TOKEN": token,
        **{variable(name): f"http://{_HOST}:{found}" for name, found in others.items()},
        **spec.environment,
    }


def move_in(directory: Path, environment: Mapping[str, str], home: Path) -> None:
    """Make this process a program's own: its folder, where its modules are found, its environment.

    ``home``, the system's folder, is the last place for modules: there are the contracts it may call.
    Once for all: a process stands for one program.
    """
    os.environ.update(environment)
    os.chdir(directory)
    sys.path.insert(0, str(directory))
    sys.path.append(str(home))
