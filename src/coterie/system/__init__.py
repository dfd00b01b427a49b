"""The system: what ``coterie.toml`` says, checked against the code, and built into running parts.

Knows the one file that describes a system and what each key means; where each class, contract,
database and key comes from; and how all of it is put together and taken apart. It alone reads
the environment, and it alone builds services.

Deliberately knows no terminal, no signal and no port: `coterie.console` runs what is built here.
"""

from .assemble import assemble
from .assembly import Assembly
from .check import check, resolve
from .load import load
from .migrate import migrate, write_migration
from .model import (
    TABLES,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    PolicySpec,
    ServiceSpec,
    Size,
    System,
    SystemSpec,
)
from .plan import ServicePlan
from .problem import Problem, SystemProblems

__all__ = [
    "TABLES",
    "Assembly",
    "EnginesSpec",
    "GatewaySpec",
    "IdentitySpec",
    "PolicySpec",
    "Problem",
    "ServicePlan",
    "ServiceSpec",
    "Size",
    "System",
    "SystemProblems",
    "SystemSpec",
    "assemble",
    "check",
    "load",
    "migrate",
    "resolve",
    "write_migration",
]
