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
from .explanation import Explanation, Told, explained
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
from .part import Part, Way
from .plan import Planned, ProgramPlan, ServicePlan
from .policies import Policies, policies_of
from .policy_specs import SETTINGS, OperationSpec, PolicySpec, ServicePolicySpec
from .problem import Problem, SystemProblems
from .program_specs import Mount
from .size import Size
from .specs import (
    TABLES,
    Certificate,
    ChaosSpec,
    ConsoleSpec,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    ProcessSpec,
    Replicas,
    ServiceSpec,
    SystemSpec,
)
from .surroundings import directory_of, move_in, surroundings, variable
from .workload import find_workload

__all__ = [
    "SETTINGS",
    "TABLES",
    "Assembly",
    "Blueprint",
    "Certificate",
    "ChaosSpec",
    "ConsoleSpec",
    "ContractEntry",
    "Dependency",
    "EnginesSpec",
    "Explanation",
    "GatewaySpec",
    "IdentitySpec",
    "Inventory",
    "Mount",
    "OperationEntry",
    "OperationSpec",
    "Part",
    "Planned",
    "Policies",
    "PolicySpec",
    "Problem",
    "ProcessSpec",
    "ProgramPlan",
    "Replicas",
    "ServiceEntry",
    "ServicePlan",
    "ServicePolicySpec",
    "ServiceSpec",
    "Size",
    "System",
    "SystemProblems",
    "SystemSpec",
    "Told",
    "Way",
    "assemble",
    "blueprint",
    "check",
    "digest_of",
    "directory_of",
    "explained",
    "find_workload",
    "gateway_pages",
    "inventory_of",
    "load",
    "migrate",
    "move_in",
    "policies_of",
    "resolve",
    "surroundings",
    "variable",
    "write_migration",
]
