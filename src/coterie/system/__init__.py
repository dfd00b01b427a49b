"""The system: what ``coterie.toml`` says, checked against the code, and built into running parts.

Knows the one file that describes a system and what each key means; where each class, contract,
database and key comes from; and how all of it is put together and taken apart. It alone reads
the environment, and it alone builds services.

Deliberately knows no terminal, no signal and no port: `coterie.console` runs what is built here.
"""

from .assemble import assemble
from .assembly import Assembly
from .blueprint import Blueprint, blueprint, gateway_pages
from .check import check, resolve
from .inventory import (
    ContractEntry,
    Dependency,
    Inventory,
    OperationEntry,
    ServiceEntry,
    digest_of,
    inventory_of,
)
from .load import load
from .migrate import migrate, write_migration
from .model import System
from .part import Part
from .plan import ServicePlan
from .problem import Problem, SystemProblems
from .specs import (
    TABLES,
    Certificate,
    ConsoleSpec,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    PolicySpec,
    ProcessSpec,
    Replicas,
    ServiceSpec,
    Size,
    SystemSpec,
)

__all__ = [
    "TABLES",
    "Assembly",
    "Blueprint",
    "Certificate",
    "ConsoleSpec",
    "ContractEntry",
    "Dependency",
    "EnginesSpec",
    "GatewaySpec",
    "IdentitySpec",
    "Inventory",
    "OperationEntry",
    "Part",
    "PolicySpec",
    "Problem",
    "ProcessSpec",
    "Replicas",
    "ServiceEntry",
    "ServicePlan",
    "ServiceSpec",
    "Size",
    "System",
    "SystemProblems",
    "SystemSpec",
    "assemble",
    "blueprint",
    "check",
    "digest_of",
    "gateway_pages",
    "inventory_of",
    "load",
    "migrate",
    "resolve",
    "write_migration",
]
