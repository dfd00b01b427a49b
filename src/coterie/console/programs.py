"""Programs that join as they are, where everything has to be in one process: they cannot be."""

from collections.abc import Iterable

from coterie.system import Problem, ServiceSpec, System, SystemProblems

__all__ = ["refuse_programs"]


def refuse_programs(system: System, specs: Iterable[ServiceSpec], why: str) -> None:
    """Raises `SystemProblems` where one of ``specs`` is a program; ``why`` there can be none."""
    problems = [
        Problem(
            system.places.file,
            system.places.line("service", spec.name, spec.kind),
            f"service {spec.name} is a program, which has processes of its own, and {why}",
            "Run `coterie up` without that option",
        )
        for spec in specs
        if spec.kind != "implements"
    ]
    if problems:
        raise SystemProblems(problems)
