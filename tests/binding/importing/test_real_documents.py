"""Documents of real programs: imported in time, written well, typed, and nothing lost in silence."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from coterie.binding.rest.importing import Imported, imported
from coterie.binding.rest.openapi import openapi
from coterie.cli.described import read
from coterie.contract import Contract, contracts_of, describe
from tests.binding.importing.promised import lost, promises

FOLDER = Path(__file__).parents[3] / ".venv" / "documents"
READ_ME = "readme-oas-examples-8.2.2/package"

DOCUMENTS = {
    "blockfrost": "blockfrost-openapi-0.1.93/package/openapi.yaml",
    "dialogporten": "digdir-dialogporten-schema-1.40.0/package/swagger.verified.json",
    "directus": "directus-specs-15.2.0/package/dist/openapi.json",
    "figma": "figma-rest-api-spec-0.43.0/package/openapi/openapi.yaml",
    "galaxy": "scalar-galaxy-0.2.20/package/dist/3.1.json",
    "shipengine": "shipengine-openapi-1.4.0/package/openapi.json",
    "github": "octokit-openapi-23.0.2/package/generated/api.github.com.json",
    "petstore2": f"{READ_ME}/2.0/json/petstore.json",
    "petstore3": f"{READ_ME}/3.0/json/petstore.json",
    "petstore31": f"{READ_ME}/3.1/json/petstore.json",
    "discriminators": f"{READ_ME}/3.0/json/discriminators.json",
    "schema_types": f"{READ_ME}/3.0/json/schema-types.json",
    "star_trek": f"{READ_ME}/3.0/json/star-trek.json",
    "circular": f"{READ_ME}/3.0/json/circular.json",
    "security": f"{READ_ME}/3.0/json/security.json",
}


@lru_cache
def document(name: str) -> Any:
    path = FOLDER / DOCUMENTS[name]
    assert path.is_file(), f"{path} is missing: run `make test`, or python tools/documents.py"
    return read(str(path))[0]


@lru_cache
def made(name: str) -> Imported:
    return imported(document(name), name="Program")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All contracts, as modules."""
    folder = tmp_path_factory.mktemp("imported")
    for name in DOCUMENTS:
        (folder / f"{name}_contract.py").write_text(made(name).files[""], encoding="utf-8")
    return folder


def test_there_are_small_and_large_ones() -> None:
    """From one path to hundreds; GitHub's is the largest."""
    sizes = sorted(len(document(name)["paths"]) for name in DOCUMENTS)
    assert len(sizes) >= 12
    assert sizes[0] <= 5
    assert sizes[-1] >= 700


def test_hundreds_of_paths_are_imported_in_seconds() -> None:
    """Ten at most, of one processor."""
    document("github")
    began = process_time()
    imported(document("github"))
    assert process_time() - began < 10


def described_again(name: str, folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location(
        f"{name}_contract", folder / f"{name}_contract.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        contract = module.Program
        assert issubclass(contract, Contract)
        descriptions = [describe(one) for one in contracts_of(contract)]
        return openapi(descriptions, title="again", version="1", public=True)
    finally:
        del sys.modules[spec.name]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_not_promised_again_was_noted(name: str, folder: Path) -> None:
    """Described from the contract, a document promises the same, but for what was listed."""
    again = described_again(name, folder)
    missing = lost(promises(document(name)), promises(again))
    noted = {note.where for note in made(name).notes}
    silent = {
        promise: path
        for promise, path in missing.items()
        if not any(f"{promise[0]} {path}" in where or path in where for where in noted)
    }
    assert silent == {}
    assert made(name).operations > 0


def test_a_loss_is_seen() -> None:
    """The control: a document that has lost an operation, or a parameter, is not the same."""
    before = document("petstore3")
    after = json.loads(json.dumps(before))
    del after["paths"]["/pet/findByStatus"]["get"]["parameters"]
    del after["paths"]["/store/inventory"]
    told = {promise[2] for promise in lost(promises(before), promises(after))}
    assert {"operation", "query status required"} <= told
    assert lost(promises(before), promises(before)) == {}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]


def test_they_are_written_as_the_formatter_would(folder: Path) -> None:
    """Nothing to change, lines of 100, imports in order."""
    ruff = Path(sys.executable).parent / "ruff"
    isolated = ("--isolated", "--line-length", "100", "--no-cache", ".")
    assert run(ruff, "format", "--check", *isolated, cwd=folder) == ""
    assert run(ruff, "check", "--select", "I,F", *isolated, cwd=folder) == ""


def test_they_type_check_in_mypy(folder: Path) -> None:
    """Strictly; bodies of promises are empty, as the documentation says."""
    options = ("--strict", "--disable-error-code=empty-body", "--config-file=", "--cache-dir=.mypy")
    assert run(sys.executable, "-m", "mypy", *options, ".", cwd=folder) == ""


def test_they_type_check_in_pyright(folder: Path) -> None:
    """Strictly; the largest, which takes it most of a minute, where there is time."""
    skipped = [] if os.environ.get("COTERIE_TEST_LONG") else ["github_contract.py"]
    told = {"typeCheckingMode": "strict", "ignore": skipped, "exclude": skipped}
    (folder / "pyrightconfig.json").write_text(json.dumps(told))
    pyright = Path(sys.executable).parent / "pyright"
    assert run(pyright, "--pythonpath", sys.executable, cwd=folder) == ""
