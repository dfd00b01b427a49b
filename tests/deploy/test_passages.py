"""Programs that join as they are: both gateways send the same requests to the same ones."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from coterie.binding.rest import normal_path
from coterie.call import Failure
from tests.deploy.programs import BOTH, MOUNTS, Both, Seen, both_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = pytest.mark.parametrize("kind", BOTH)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Both]:
    async with both_of(tmp_path_factory.mktemp("both")) as found:
        yield found


WEB = "web"
NOWHERE = Seen(404)
TABLE = {
    # What was taken off is told, and what comes back is the path that was asked for.
    "/legacy": Seen(200, "legacy", "/", "/legacy"),
    "/legacy/": Seen(200, "legacy", "/", "/legacy"),
    "/legacy/x": Seen(200, "legacy", "/x", "/legacy"),
    "/legacy/x/": Seen(200, "legacy", "/x/", "/legacy"),
    "/legacy?a=1": Seen(200, "legacy", "/?a=1", "/legacy"),
    "/legacy/x?a=/b/../c": Seen(200, "legacy", "/x?a=/b/../c", "/legacy"),
    "/03-integration/users": Seen(200, "users", "/users", "/03-integration"),
    "/03-integration/users/7": Seen(200, "users", "/users/7", "/03-integration"),
    "/old/x": Seen(200, "moved", "/new/x", "/old"),
    "/old": Seen(200, "moved", "/new", "/old"),
    "/caf%C3%A9": Seen(200, "cafe", "/", "/caf%C3%A9"),
    "/caf%c3%a9/x": Seen(200, "cafe", "/x", "/caf%C3%A9"),
    # The longest wins, and operations win over all.
    "/legacy/deep": Seen(200, "deep", "/deep", "/legacy"),
    "/legacy/deep/x": Seen(200, "deep", "/deep/x", "/legacy"),
    "/legacy/deeper": Seen(200, "legacy", "/deeper", "/legacy"),
    "/api/files": Seen(200, "files", "/api/files"),
    "/api/files/x": Seen(200, "files", "/api/files/x"),
    "/api/files/best": Seen(200, "native", "/api/files/best"),
    "/api/items": Seen(200, "native", "/api/items"),
    "/api/items/7": Seen(200, "native", "/api/items/7"),
    "/api/items/7/8": Seen(200, WEB, "/api/items/7/8"),
    "/api/items/": Seen(200, WEB, "/api/items/"),
    "/promised": Seen(200, "promising", "/promised"),
    "/": Seen(200, WEB, "/"),
    "/anything/at/all": Seen(200, WEB, "/anything/at/all"),
    # What looks like a mount and is none.
    "/legacyfoo": Seen(200, WEB, "/legacyfoo"),
    "/legacy.html": Seen(200, WEB, "/legacy.html"),
    "/legacy%2Fx": Seen(200, WEB, "/legacy%2Fx"),
    "/Legacy/x": Seen(200, WEB, "/Legacy/x"),
    "//legacy/x": Seen(200, WEB, "//legacy/x"),
    "/private/x": Seen(200, WEB, "/private/x"),
    "/never": Seen(200, WEB, "/never"),
    # As they came; where they lead is decided by their normal form, as on other routes.
    "/legacy/..%2fapi/items": Seen(200, "legacy", "/..%2fapi/items", "/legacy"),
    "/legacy/%2e%2e/api/items": Seen(200, "native", "/api/items"),
    "/legacy/../api/items": Seen(200, "native", "/api/items"),
    "/legacy/./x": Seen(200, "legacy", "/x", "/legacy"),
    "/x/../legacy/x": Seen(200, "legacy", "/x", "/legacy"),
    "/legacy//x": Seen(200, "legacy", "//x", "/legacy"),
    "/legacy/a%20b%2Fc%41": Seen(200, "legacy", "/a%20b%2FcA", "/legacy"),
    "/%6cegacy/x": Seen(200, "legacy", "/x", "/legacy"),
    "/legacy/%ff": Seen(200, "legacy", "/%ff", "/legacy"),
    # The gateway's own.
    "/docs": Seen(200, "console", "/docs"),
    "/docs/x": Seen(200, "console", "/docs/x"),
    "/openapi.json": Seen(200, "console", "/openapi.json"),
    "/registry": Seen(200, "console", "/registry"),
    "/registry/services/x?y=1": Seen(200, "console", "/registry/services/x?y=1"),
    "/registryfoo": Seen(200, WEB, "/registryfoo"),
    "/registry.json": NOWHERE,
    "/.well-known/jwks.json": Seen(200, "console", "/.well-known/jwks.json"),
    "/.well-known/other": Seen(200, WEB, "/.well-known/other"),
    "/health/live": Seen(200),
    "/health/other": NOWHERE,
    "/health": Seen(200, WEB, "/health"),
    "/metrics": NOWHERE,
    "/metrics/x": NOWHERE,
    # What a program's process answers for itself.
    "/.coterie": NOWHERE,
    "/.coterie/live": NOWHERE,
    "/.coterie/ready": NOWHERE,
    "/.coterie/ready?x": NOWHERE,
    "/legacy/.coterie": NOWHERE,
    "/legacy/.coterie/metrics": NOWHERE,
    "/legacy/%2ecoterie/metrics": NOWHERE,
    "/legacy/%2E%63oterie/metrics": NOWHERE,
    "/legacy/.coterie%2fmetrics": NOWHERE,
    "/legacy/.coterie;x/metrics": NOWHERE,
    "/legacy/x/../.coterie/metrics": NOWHERE,
    "/legacy/..;/.coterie/metrics": NOWHERE,
    "/%2ecoterie/live": NOWHERE,
    "/caf%c3%a9/.coterie/live": NOWHERE,
    "/buried": NOWHERE,
    "/buried/metrics": NOWHERE,
    "/.coteries/telemetry": Seen(200, "promising", "/.coteries/telemetry"),
    "/.coterie/telemetry": NOWHERE,
    "/legacy/x/.coterie/live": Seen(200, "legacy", "/x/.coterie/live", "/legacy"),
}


@KINDS
@pytest.mark.parametrize("target", TABLE)
async def test_each_path_leads_to_its_program(both: Both, kind: str, target: str) -> None:
    """To one of them, with the path that it knows, and with what was taken off."""
    assert await both.ask(kind, target) == TABLE[target]


@KINDS
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_every_method_is_passed_on(both: Both, kind: str, method: str) -> None:
    """The gateway knows none that a program does not; so has the registry its own."""
    for target, who in (("/legacy/x", "legacy"), ("/x", WEB), ("/registry/register", "console")):
        seen = await both.ask(kind, target, method=method)
        assert (seen.status, seen.who) == (200, who)


LIES = ("X-Forwarded-Prefix: /admin", "x-forwarded-prefix: /more", "x_forwarded_prefix: /odd")


@KINDS
async def test_nobody_outside_says_what_was_taken_off(both: Both, kind: str) -> None:
    """Neither where something was, nor where nothing was, nor by another spelling."""
    for target, prefix in (
        ("/legacy/x", "/legacy"),
        ("/api/files/x", None),
        ("/x", None),
        ("/api/items", None),
        ("/docs", None),
        ("/registry/x", None),
    ):
        assert (await both.ask(kind, target, *LIES)).prefix == prefix
        assert b"/odd" not in both.peers["legacy"].asked[-1]


PIECES = (
    *("legacy", "deep", "users", "03-integration", "old", "api", "files", "items", "x", "", ""),
    *(".", "..", "%2e", "%2E%2e", "..;", "..;x", "..%2f", "%5c", "\\", ".coterie", "%2ecoterie"),
    *(".coterie%2f", ".%63oterie", "live", "a%20b", "%c3%a9", "caf%c3%a9", "caf%C3%A9", "%ff"),
    *(";", "a;b", "%25", "~", "%7E", "slow", "registry", "health", "metrics", "docs"),
)


@pytest.mark.parametrize("seed", range(4))
async def test_any_path_leads_to_the_same_place(both: Both, seed: int) -> None:
    """Whatever is written: the same program by both ways, its own path, and never what is hidden."""
    draw = Random(seed)  # noqa: S311  # the same dice every time
    for _ in range(60):
        start = draw.choice(["/legacy/", "/", "/api/", "/legacy/deep/", "/03-integration/users/"])
        path = start + "/".join(draw.choice(PIECES) for _ in range(draw.randint(1, 5)))
        envoy, own = await asyncio.gather(*(both.ask(kind, path) for kind in BOTH))
        assert (path, envoy) == (path, own)
        assert not envoy.target.lower().startswith(("/.coterie/", "/.coterie?")), path
        assert envoy.target != "/.coterie"
        if envoy.prefix is not None and envoy.who != "moved":
            # SCRIPT_NAME and PATH_INFO are the path outside; that of a mount alone is its root.
            outside = _normal(path)
            inner = "" if outside == MOUNTS[envoy.who][0].path else envoy.target
            assert envoy.prefix + (inner or envoy.target.rstrip("/")) == outside.replace(
                "%c3%a9", "%C3%A9", int(envoy.who == "cafe")
            )


def _normal(path: str) -> str:
    try:
        return normal_path(path)
    except Failure:
        return ""


async def test_control_a_header_that_is_let_through_lies(tmp_path: Path) -> None:
    """Control: it is the gateway that takes it out."""

    def believing(files: dict[str, bytes]) -> None:
        files["rds.json"] = files["rds.json"].replace(b'"x-forwarded-prefix"\n', b'"x-other"\n')

    async with both_of(tmp_path, alter=believing) as both:
        assert (await both.ask("envoy", "/x", LIES[0])).prefix == "/admin"


async def test_control_what_is_not_hidden_is_reached(tmp_path: Path) -> None:
    """Control: without these routes a program's process would answer anybody."""

    def open_hearted(files: dict[str, bytes]) -> None:
        files["rds.json"] = files["rds.json"].replace(rb"\\.coterie", rb"\\.nothing")

    async with both_of(tmp_path, alter=open_hearted) as both:
        seen = await both.ask("envoy", "/legacy/.coterie/metrics")
        assert seen == Seen(200, "legacy", "/.coterie/metrics", "/legacy")
        # An operation's braces would have led there, too.
        assert (await both.ask("envoy", "/.coterie/telemetry")).who == "promising"
