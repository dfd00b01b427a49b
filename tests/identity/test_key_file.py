"""The key file: private, made once, never replaced behind anyone's back."""

import contextlib
import json
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from coterie.identity import KeyFile, KeyFileError, SigningKeys


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    """Folder 0700, file 0600, after creation and after rotation, and nothing else is left."""
    file = KeyFile(tmp_path / "state" / "keys")
    file.open()
    for _ in range(2):
        assert mode(file.folder) == 0o700
        assert mode(file.path) == 0o600
        assert list(file.folder.iterdir()) == [file.path]
        file.rotate()


def test_the_key_is_the_same_after_a_restart(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys")
    before = file.open()
    content = file.path.read_bytes()
    assert KeyFile(tmp_path / "keys").open().private_jwks() == before.private_jwks()
    assert file.path.read_bytes() == content


def test_rotation_is_kept(tmp_path: Path) -> None:
    """The newest signs from the next start on; the one before still verifies."""
    file = KeyFile(tmp_path / "keys")
    old = file.open()
    new = file.rotate()
    again = file.open()
    assert again.kid == new.kid != old.kid
    assert again.public.find(old.kid) is not None


def test_rotation_without_a_key_makes_one(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys")
    assert file.rotate().kid == file.open().kid


_OPEN = """
import sys
from pathlib import Path
from coterie.identity import KeyFile
print("ready", flush=True)
sys.stdin.readline()
print(KeyFile(Path(sys.argv[1])).open().kid)
"""


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    """Four processes open a folder that is not there yet; all hold the same key."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN, str(tmp_path / "state" / "keys")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    names = {process.communicate(timeout=30)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert names == {KeyFile(tmp_path / "state" / "keys").open().kid + "\n"}


@pytest.mark.parametrize(("locked", "keys"), [(True, 1), (False, 2)], ids=["locked", "control"])
def test_the_lock_is_what_makes_it_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: bool, keys: int
) -> None:
    """Two openers meet in the worst moment. Control: without the lock there are two keys."""
    both_make_one = Barrier(2)
    make = SigningKeys.generate

    def slowly() -> SigningKeys:
        # With the lock only one comes here, and gives up waiting for the other.
        with contextlib.suppress(BrokenBarrierError):
            both_make_one.wait(0.3 if locked else 10)
        return make()

    monkeypatch.setattr(SigningKeys, "generate", slowly)
    if not locked:
        (tmp_path / "keys").mkdir(mode=0o700)
        monkeypatch.setattr(KeyFile, "_alone", lambda _: contextlib.nullcontext())
        # Each writes under a name of its own, so that only the missing lock is at work.
        monkeypatch.setattr(KeyFile, "_write", lambda _, keys: None)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: KeyFile(tmp_path / "keys").open().kid, range(2)))
    assert len(set(found)) == keys


def test_a_crash_while_writing_leaves_the_old_keys(tmp_path: Path) -> None:
    """What a killed process left half written is neither used nor in the way."""
    file = KeyFile(tmp_path / "keys")
    old = file.open()
    (file.folder / "signing-keys.new").write_text('{"keys": [{"kty"')
    assert file.open().kid == old.kid
    new = file.rotate()
    assert file.open().kid == new.kid
    assert list(file.folder.iterdir()) == [file.path]


def _entry(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def damage(content: str) -> str:
        document = json.loads(content)
        change(document["keys"][0])
        return json.dumps(document)

    return damage


DAMAGE: dict[str, Callable[[str], str]] = {
    "empty": lambda content: "",
    "cut short": lambda content: content[: len(content) // 2],
    "not JSON": lambda content: "-----BEGIN PRIVATE KEY-----",
    "not an object": lambda content: "[]",
    "no keys": lambda content: '{"keys": []}',
    "keys are no list": lambda content: '{"keys": {"a": 1}}',
    "a key is no object": lambda content: '{"keys": [7]}',
    "deeper than a parser goes": lambda content: "[" * 20_000,
    "too large": lambda content: content + " " * 70_000,
    "other algorithm": _entry(lambda key: key.update(alg="HS256")),
    "without private half": _entry(lambda key: key.pop("d")),
    "private half of another": _entry(lambda key: key.update(d="A" * 42 + "E")),
    "off the curve": _entry(lambda key: key.update(x=key["y"])),
    "name of another": _entry(lambda key: key.update(kid="abc")),
    "number instead of text": _entry(lambda key: key.update(x=7)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_named_with_the_remedy_and_left_alone(
    tmp_path: Path, damage: Callable[[str], str]
) -> None:
    """Neither opening nor rotating replaces it, and the message tells no secret.

    Control: the file as it was written opens.
    """
    file = KeyFile(tmp_path / "keys")
    secret = file.open().private_jwks()["keys"][0]["d"]
    assert file.open()
    content = damage(file.path.read_text())
    file.path.write_text(content)
    for use in (file.open, file.rotate):
        with pytest.raises(KeyFileError) as caught:
            use()
        message = str(caught.value)
        assert str(file.path) in message
        assert "Restore the file from a backup, or remove it" in message
        assert secret not in message
        assert caught.value.__cause__ is None
        assert file.path.read_text() == content


@pytest.mark.parametrize("bits", [0o604, 0o640, 0o644, 0o660, 0o602])
def test_a_key_that_others_could_read_is_not_used(tmp_path: Path, bits: int) -> None:
    """The remedy depends on whether somebody did read it. Control: 0600 and 0400 open."""
    file = KeyFile(tmp_path / "keys")
    file.open()
    for good in (0o600, 0o400):
        file.path.chmod(good)
        file.open()
    file.path.chmod(bits)
    with pytest.raises(KeyFileError, match="chmod 600"):
        file.open()
    assert mode(file.path) == bits


@pytest.mark.parametrize("bits", [0o770, 0o777, 0o702])
def test_a_folder_where_others_could_put_a_key_is_not_used(tmp_path: Path, bits: int) -> None:
    """Control: the same folder, closed, is used."""
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(bits)
    with pytest.raises(KeyFileError, match=f"chmod 700 {folder}"):
        KeyFile(folder).open()
    folder.chmod(0o755)
    KeyFile(folder).open()


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="own and write this folder") as caught:
        KeyFile(tmp_path / "file" / "keys").open()
    assert str(tmp_path / "file") in str(caught.value)


def test_the_error_travels_between_processes(tmp_path: Path) -> None:
    error = KeyFileError(tmp_path, "is damaged", "Restore it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert str(again) == str(error) == f"{tmp_path}: is damaged. Restore it."
