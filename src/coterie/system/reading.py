"""The tables of one file on their way to a system: profiles, variables, every table read."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from .interpolate import Interpolation
from .model import (
    TABLES,
    EnginesSpec,
    GatewaySpec,
    IdentitySpec,
    PolicySpec,
    ServiceSpec,
    System,
    SystemSpec,
)
from .places import Places, TomlPath
from .problem import Problem, SystemProblems
from .tables import Tables, near

__all__ = ["Reading"]

_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class Reading:
    """One file on its way to a system."""

    def __init__(
        self,
        file: Path,
        values: dict[str, Any],
        lines: dict[TomlPath, int],
        environment: Mapping[str, str],
    ) -> None:
        self.file = file
        self.values = values
        self.lines = lines
        self.environment = environment

    def system(self, profile: str | None, state: Path | str | None) -> System:
        plain = Tables(Places(self.file, self.lines))
        profiles = plain.tables(self.values.get("profile", {}), ("profile",), "[profile.NAME]")
        for name in profiles:
            plain.tables(profiles[name], ("profile", name), f"[profile.{name}]")
        if profile is not None and profile not in profiles:
            meant = near(profile, profiles)
            known = f"There are {', '.join(profiles)}" if profiles else "Write [profile.NAME] first"
            remedy = f"Did you mean {meant}?" if meant else known
            plain.complain((), f"there is no profile {profile!r}", remedy)
        problems = list(plain.problems)
        system: System | None = None
        for name in (None, *profiles):
            if name is None and profile in profiles:
                continue  # what the profile replaces may be wrong without it
            read, found = self.merged(name, state, chosen=name == profile)
            problems += [problem for problem in found if problem not in problems]
            system = read if name == profile else system
        if problems or system is None:
            raise SystemProblems(problems)
        return system

    def merged(
        self, profile: str | None, state: Path | str | None, *, chosen: bool
    ) -> tuple[System | None, list[Problem]]:
        """The system under one profile, and what is wrong with it.

        Of a profile that was not chosen only its own lines are judged, and its variables, which
        belong to another environment, are not asked for.
        """
        values = {key: value for key, value in self.values.items() if key != "profile"}
        lines = {path: line for path, line in self.lines.items() if path[:1] != ("profile",)}
        laid: Any = self.values["profile"][profile] if profile is not None else {}
        if isinstance(laid, dict):
            values = _laid_over(values, laid)
        for path, line in self.lines.items():
            if path[:2] == ("profile", profile) and len(path) > 2:
                lines[path[2:]] = line
        gaps: list[tuple[TomlPath, str, str]] = []
        filler = Interpolation(self.environment, lambda *gap: gaps.append(gap))
        values = filler.fill(values)
        tables = Tables(Places(self.file, lines, frozenset(filler.filled)), filler.missing)
        for gap in gaps:
            tables.complain(*gap)
        system = self.read(tables, values, state)
        if system is not None:
            system = structs.replace(system, profile=profile)
        if chosen:
            return system, tables.problems
        own = {line for path, line in self.lines.items() if path[:2] == ("profile", profile)}
        gone = {tables.places.line(*path) for path in filler.missing}
        judged = [p for p in tables.problems if p.line in own and p.line not in gone]
        return system, judged

    def read(
        self, tables: Tables, values: dict[str, Any], state: Path | str | None
    ) -> System | None:
        for key in values:
            if key not in TABLES:
                self.unknown(tables, key, values[key])
        head = tables.read(SystemSpec, values.get("system", {}), ("system",))
        gateway = tables.read(GatewaySpec, values.get("gateway", {}), ("gateway",))
        engines = tables.read(EnginesSpec, values.get("engines", {}), ("engines",))
        policy = tables.read(PolicySpec, values.get("policy", {}), ("policy",))
        identity = None
        if "identity" in values:
            identity = tables.read(IdentitySpec, values["identity"], ("identity",))
        services = self.services(tables, values.get("service", {}))
        if gateway is not None and "*" in gateway.cors and len(gateway.cors) > 1:
            remedy = 'Write cors = ["*"] alone, or name every origin'
            tables.complain(("gateway", "cors"), '[gateway] cors: "*" is every origin', remedy)
        if engines is not None:
            self.placeholders(tables, engines.database, ("engines", "database"))
            engines = self.overridden(engines)
        if tables.problems or head is None or gateway is None or engines is None or policy is None:
            return None
        folder = self.file.resolve().parent
        if identity is not None:
            identity = structs.replace(
                identity,
                issuer=identity.issuer or head.name,
                audience=identity.audience or head.name,
            )
        return System(
            name=head.name,
            version=head.version,
            owner=head.owner,
            folder=folder,
            state=Path(state).resolve() if state is not None else folder / engines.state,
            services=services,
            gateway=gateway,
            engines=engines,
            identity=identity,
            policy=policy,
            places=tables.places,
        )

    def services(self, tables: Tables, values: Any) -> tuple[ServiceSpec, ...]:
        if not values and isinstance(values, dict):
            remedy = 'Write [service.NAME] and below it implements = "package.module:Class"'
            tables.complain((), "there is no service", remedy)
        found: list[ServiceSpec] = []
        for name, members in tables.tables(values, ("service",), "[service.NAME]").items():
            path = ("service", name)
            if not isinstance(members, dict):
                what = f"[service] {name} is no service"
                tables.complain(path, what, "Give each a table of its own: [service.NAME]")
                continue
            spec = tables.read(ServiceSpec, members, path, name=name)
            tables.check_label(name, path)
            if spec is not None:
                self.placeholders(tables, spec.database or "", (*path, "database"))
                found.append(spec)
        return tuple(found)

    def placeholders(self, tables: Tables, url: str, path: TomlPath) -> None:
        for name in _PLACEHOLDER.findall(url):
            if name not in ("state", "service"):
                what = f"{path[-1]} has a place {{{name}}} that nothing fills in"
                tables.complain(path, what, "There are {state} and {service}")

    def overridden(self, engines: EnginesSpec) -> EnginesSpec:
        url = self.environment.get("DATABASE_URL")
        return structs.replace(engines, database=url) if url else engines

    def unknown(self, tables: Tables, key: str, value: Any) -> None:
        meant = near(key, TABLES)
        shown = f"[{key[:40]}]" if isinstance(value, dict) else repr(key[:40])
        remedy = f"There are {', '.join(f'[{name}]' for name in (*TABLES, 'profile'))}"
        if meant is not None:
            remedy = f"Did you mean [{meant}]?"
        elif not isinstance(value, dict):
            remedy = "Put it below one of [system], [service.NAME], [gateway], [engines]"
        tables.complain((key,), f"there is no table {shown}", remedy)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = _laid_over(under, value) if both else value  # type: ignore[arg-type]
    return merged
