"""From ``package.module:Class`` in the file to the class, without ever showing a traceback."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

from coterie.contract import Contract, ContractError, Description, Service, contracts_of, describe

from .folder import modules_in, place_of_error, shown_path
from .model import System
from .problem import Problem, Report
from .specs import ServiceSpec
from .tables import near

__all__ = ["find_contracts", "find_implementation", "note_contract_error"]

_PLACE = re.compile(r"(?P<thing>.*) \((?P<file>.+):(?P<line>\d+)\)")


def find_implementation(system: System, spec: ServiceSpec, report: Report) -> type | None:
    """The class that ``spec`` names; ``None`` once ``report`` knows what is wrong with it.

    Puts the system's folder on ``sys.path``, and leaves it there: what a module imports later
    is found there too.
    """
    _on_path(system)
    finder = _Finder(system, spec, report, "implements", spec.implements or "")
    module = finder.module()
    return None if module is None else finder.of_class(module)


def find_contracts(
    system: System, spec: ServiceSpec, report: Report
) -> tuple[Description, ...] | None:
    """What the program of ``spec`` promises; ``None`` once ``report`` knows what is wrong there.

    Puts the system's folder on ``sys.path``, as `find_implementation` does.
    """
    _on_path(system)
    found: list[Description] = []
    for named in spec.contracts:
        finder = _Finder(system, spec, report, "contracts", named)
        module = finder.module()
        description = None if module is None else finder.of_contract(module)
        if description is not None:
            found.append(description)
    return tuple(found) if len(found) == len(spec.contracts) else None


def _on_path(system: System) -> None:
    folder = str(system.folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # Files written a moment ago are not in the finders' memory of the folder. A process that never
    # looked there remembers nothing, and need not touch (and so, when forked, copy) all finders.
    if folder in sys.path_importer_cache:
        importlib.invalidate_caches()


def note_contract_error(
    system: System, spec: ServiceSpec, error: ContractError, report: Report
) -> None:
    """Report each mistake that ``error`` lists, at the line where it stands."""
    for problem in error.problems:
        found = _PLACE.fullmatch(problem.where)
        if found is None:
            where, line = place_of_error(system, spec, error)
            thing = problem.where
        else:
            where, line = shown_path(system, found["file"]), int(found["line"])
            thing = found["thing"]
        what = f"service {spec.name}: {thing}: {problem.what}"
        report.add(Problem(where, line, what, problem.remedy))


class _Finder:
    def __init__(
        self, system: System, spec: ServiceSpec, report: Report, key: str, named: str
    ) -> None:
        self.system = system
        self.spec = spec
        self.report = report
        self.key = key
        self.name, _, self.wanted = named.partition(":")

    def complain(self, what: str, remedy: str) -> None:
        path = ("service", self.spec.name, self.key)
        self.report.complain(path, f"service {self.spec.name}: {what}", remedy)

    def complain_at(self, file: str | Path, line: int | None, what: str, remedy: str) -> None:
        where = shown_path(self.system, file)
        self.report.add(Problem(where, line, f"service {self.spec.name}: {what}", remedy))

    def module(self) -> ModuleType | None:
        try:
            module = importlib.import_module(self.name)
        except SyntaxError as error:
            what = f"this is no Python: {error.msg}"
            if error.text and error.text.strip():
                what += f": {error.text.strip()[:80]}"
            self.complain_at(error.filename or self.name, error.lineno, what, "Mend this line")
        except ContractError as error:
            note_contract_error(self.system, self.spec, error, self.report)
        except ModuleNotFoundError as error:
            self.missing(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a user's module does
            file, line = self.place(error)
            told = " ".join(str(error).split())[:300]
            what = f"importing it raised {type(error).__name__}{': ' if told else ''}{told}"
            remedy = "Mend this line, or what it was given"
            if isinstance(error, SystemExit):
                remedy = 'Let what a program does stand below `if __name__ == "__main__":`'
            self.complain_at(file, line, what, remedy)
        else:
            return module if self.is_ours(module) else None
        return None

    def missing(self, error: ModuleNotFoundError) -> None:
        absent = error.name or ""
        if absent == self.name or self.name.startswith(f"{absent}."):
            meant = near(self.name, modules_in(self.system.folder))
            remedy = f"Did you mean {meant}:{self.wanted}?"
            if meant is None:
                remedy = f"Write {self.name.replace('.', '/')}.py, or name the module it is in"
            where = str(self.system.places.file.parent)
            where = "this folder" if where == "." else where
            self.complain(f"there is no module {self.name} in {where}", remedy)
            return
        file, line = self.place(error)
        package = absent.partition(".")[0]
        meant = near(absent, modules_in(self.system.folder))
        remedy = f"Run `pip install {package}` if that is its name, or put it beside {file}"
        remedy = f"Did you mean {meant}?" if meant else remedy
        self.complain_at(file, line, f"there is no module {absent}", remedy)

    def place(self, error: BaseException) -> tuple[Path, int | None]:
        return place_of_error(self.system, self.spec, error)

    def is_ours(self, module: ModuleType) -> bool:
        """Refuse a module of the same name that another system brought into this process."""
        top = self.name.partition(".")[0]
        folder = self.system.folder
        expected = (folder / top).is_dir() or (folder / f"{top}.py").is_file()
        file = Path(module.__file__ or folder).resolve()
        if not expected or file.is_relative_to(folder):
            return True
        what = f"{self.name} was imported from {file} before, and a name means one module"
        self.complain(what, f"Rename the package {top}, or run the two in processes of their own")
        return False

    def of_class(self, module: ModuleType) -> type | None:
        found = getattr(module, self.wanted, None)
        if found is None:
            fit = [name for name, value in vars(module).items() if _implements(value)]
            meant = near(self.wanted, fit) or (fit[0] if len(fit) == 1 else None)
            remedy = (
                f"Did you mean {self.name}:{meant}?" if meant else "Name a class of that module"
            )
            self.complain(f"{self.name} has no {self.wanted}", remedy)
        elif not isinstance(found, type):
            self.complain(f"{self.wanted} is no class", "Name the class, not an instance of it")
        elif not contracts_of(found):
            remedy = f"Derive it from the contract it keeps: class {self.wanted}(SomeContract)"
            self.complain(f"{self.wanted} implements no contract", remedy)
        elif not _implements(found):
            what = f"{self.wanted} is the contract, which promises and does nothing"
            self.complain(what, f"Name the class that derives from {self.wanted}")
        elif self.resolves(found):
            return found
        return None

    def of_contract(self, module: ModuleType) -> Description | None:
        found = getattr(module, self.wanted, None)
        if found is None:
            fit = [name for name, value in vars(module).items() if _promises(value)]
            meant = near(self.wanted, fit) or (fit[0] if len(fit) == 1 else None)
            remedy = (
                f"Did you mean {self.name}:{meant}?" if meant else "Name a contract of that module"
            )
            self.complain(f"{self.name} has no {self.wanted}", remedy)
            return None
        if not _promises(found):
            remedy = f"Derive it: class {self.wanted}(Contract), with what the program promises"
            self.complain(f"{self.wanted} is no contract", remedy)
            return None
        try:
            description = describe(found)
        except ContractError as error:
            note_contract_error(self.system, self.spec, error, self.report)
            return None
        lost = [operation.name for operation in description.operations if operation.path is None]
        if lost:
            what = f"{self.wanted} does not say at which path the program has {', '.join(lost)}"
            self.complain(what, 'Give each operation its place: @get("/users/{user_id}")')
            return None
        return description

    def resolves(self, found: type) -> bool:
        whole = True
        for contract in contracts_of(found):
            try:
                description = describe(contract)
            except ContractError as error:
                note_contract_error(self.system, self.spec, error, self.report)
                whole = False
                continue
            for operation in description.operations:
                given = getattr(found, operation.name)
                if given is operation.function and not issubclass(contract, Service):
                    what = f"{self.wanted} lacks the operation {contract.__name__}.{operation.name}"
                    self.complain(what, f"Write `async def {operation.name}` in it")
                    whole = False
        return whole


def _promises(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Contract) and value in contracts_of(value)


def _implements(value: object) -> bool:
    if not isinstance(value, type) or not contracts_of(value):
        return False
    return value not in contracts_of(value) or issubclass(value, Service)
