"""tell(): the one place where errors become messages and exit codes."""

import errno
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from coterie.call import Failure
from coterie.contract import ContractError, Fault
from coterie.system import SystemProblems

from .likeness import close_to
from .output import complain, error, show_json

__all__ = ["FAILED", "INTERRUPTED", "WRONG", "Mistake", "tell"]

FAILED = 1
WRONG = 2
INTERRUPTED = 130


class Mistake(Exception):
    """What was asked cannot be done; the message says what to do instead.

    ``details`` are lines that help; ``code`` is the exit code: 2 for what was asked wrongly, 1
    for what went wrong.
    """

    def __init__(self, message: str, *, details: Sequence[str] = (), code: int = WRONG) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.code = code


def tell(problem: Exception, *, json: bool) -> int | None:
    """Tell people, or machines, what went wrong; the exit code.

    ``None`` for what is no mistake of the user's, which nothing is told about.
    """
    if isinstance(problem, typer.Abort):  # the input ended where an answer was asked for
        return INTERRUPTED
    if isinstance(problem, OSError) and problem.errno == errno.EPIPE:
        return FAILED  # whoever read the output has seen enough
    told = _told(problem)
    if told is None:
        return None
    code, document = told
    if json:
        show_json(document, to_errors=True)
    elif isinstance(problem, SystemProblems):
        complain(problem.problems)
    else:
        error(document["error"])
        complain(f"  {line}" for line in _details(document))
    return code


def _told(problem: Exception) -> tuple[int, dict[str, Any]] | None:
    match problem:
        case Mistake():
            more = {"details": problem.details} if problem.details else {}
            return problem.code, {"error": problem.message, **more}
        case typer.TyperException():
            return problem.exit_code, _usage(problem)
        case SystemProblems():
            return FAILED, _problems(problem)
        case Fault():
            return FAILED, _fault(problem)
        case Failure():
            return FAILED, _failure(problem)
        case ContractError():
            return FAILED, {"error": str(problem)}
        case ImportError() if "pip install" in str(problem):
            return FAILED, {"error": str(problem)}
        case _:
            return None


def _usage(problem: typer.TyperException) -> dict[str, Any]:
    message = problem.format_message()
    context = getattr(problem, "ctx", None)
    misspelt = getattr(problem, "option_name", None)
    if getattr(problem, "possibilities", None) is not None and context is not None:
        options = (p for p in context.command.params if not getattr(p, "hidden", False))
        known = [name for option in options for name in option.opts if name.startswith("-")]
        close = close_to(str(misspelt), known)
        message = problem.message + (f". Did you mean {' or '.join(close)}?" if close else "")
    document = {"error": message}
    if context is not None:
        document["usage"] = context.get_usage().removeprefix("Usage: ")
        document["help"] = f"{context.command_path} --help"
    return document


def _problems(problem: SystemProblems) -> dict[str, Any]:
    count = len(problem.problems)
    told = "1 problem" if count == 1 else f"{count} problems"
    return {"error": told, "problems": problem.problems}


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "error": fault.message,
        "fault": fault.kind,
        "code": fault.code.value,
        "status": fault.status,
        "values": fault.values(),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    document: dict[str, Any] = {
        "error": failure.message,
        "code": failure.code.value,
        "status": failure.status,
        "sent": failure.sent.value,
    }
    if failure.fault is not None:
        document |= {"fault": failure.fault, "values": failure.members}
    if failure.retry_after is not None:
        document["retry_after"] = failure.retry_after
    if failure.violations:
        document["violations"] = failure.violations
    return document


def _details(document: dict[str, Any]) -> Iterator[str]:
    """The lines below the message, for people."""
    yield from document.get("details", ())
    if "usage" in document:
        yield f"usage: {document['usage']}"
        yield f"help:  {document['help']}"
    if "code" in document:
        kind = document.get("fault") or document["code"]
        yield f"{kind} (status {document['status']})"
    for name, value in document.get("values", {}).items():
        yield f"{name} = {value!r}"
    for violation in document.get("violations", ()):
        yield f"{violation.where} {violation.pointer}: {violation.detail}"
