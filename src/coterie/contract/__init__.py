"""What is promised: contracts, operations, events, faults, and the types they speak of.

Knows Python types and what they mean on any wire: parameters, results, constraints, who may
call. Imports msgspec and nothing else; does no I/O.

Deliberately knows no protocol (that is `coterie.binding`), no caller and no deadline (that is
`coterie.call`), and never runs a service.
"""

from msgspec import Meta, Struct, field

from .blocking import blocking
from .code import Code
from .content import Content, Html, Redirect, Text, Upload
from .contract import Contract, Promise, Service, contracts_of, promise_of
from .description import Description, describe
from .event import Emit, Event, Wire, attach, on, subscriptions
from .fault import Fault
from .hooks import hooks, on_start, on_stop, seed
from .operation import Operation, Options, Result, call, delete, get, patch, post, put
from .page import Page
from .parameter import Body, Cookie, Form, Header, Parameter, Path, Query, Source
from .problem import ContractError, Problem
from .rule import Caller, Rule, anyone, authenticated, owner, role, scope
from .words import kebab, paragraph

__all__ = [
    "Body",
    "Caller",
    "Code",
    "Content",
    "Contract",
    "ContractError",
    "Cookie",
    "Description",
    "Emit",
    "Event",
    "Fault",
    "Form",
    "Header",
    "Html",
    "Meta",
    "Operation",
    "Options",
    "Page",
    "Parameter",
    "Path",
    "Problem",
    "Promise",
    "Query",
    "Redirect",
    "Result",
    "Rule",
    "Service",
    "Source",
    "Struct",
    "Text",
    "Upload",
    "Wire",
    "anyone",
    "attach",
    "authenticated",
    "blocking",
    "call",
    "contracts_of",
    "delete",
    "describe",
    "field",
    "get",
    "hooks",
    "kebab",
    "on",
    "on_start",
    "on_stop",
    "owner",
    "paragraph",
    "patch",
    "post",
    "promise_of",
    "put",
    "role",
    "scope",
    "seed",
    "subscriptions",
]
