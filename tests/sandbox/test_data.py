"""Where a sandbox's data are: a moved checkout keeps them, and so does one that has lost its notes."""

import json
import pwd
import shutil
import socket
from pathlib import Path

import pytest

from sandbox.data import storage
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.running.supervise import Program, configuration
from sandbox.runtime import Sandbox
from topology.processes import INSTANCES, Tier

SECRETS, SOCKET = "secrets.env", "/tmp/none/supervisor.sock"  # noqa: S108


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As root: the clusters are not in the checkout."""
    monkeypatch.setattr(storage, "postgres_account", lambda: pwd.getpwnam("nobody"))
    monkeypatch.setattr(storage, "HOMES", tmp_path / "lib")
    return tmp_path / "lib"


def ran(layout: Layout) -> Path:
    """Leave what a sandbox leaves that ran once; returns its clusters' home."""
    layout.state.mkdir(parents=True)
    home = storage.claim_home(layout)
    clusters(home)
    storage.mark_home(layout, home)
    (layout.state / SECRETS).touch()
    storage.remember(layout, socket=SOCKET)
    return home


def configure(layout: Layout, home: Path) -> None:
    """Leave what it leaves of supervisord."""
    ours = {"web": layout.root, **{f"postgres-{name}": home / name for name in INSTANCES}}
    programs = [
        Program(name=name, tier=Tier.POSTGRES, command=["x"], directory=path, environment={}, log=layout.log(name))
        for name, path in ours.items()
    ]
    text = configuration(programs, Path(SOCKET), layout.log("supervisord"), layout.state / "supervisord.pid")
    (layout.state / "supervisord.conf").write_text(text)


def clusters(home: Path) -> None:
    for name in INSTANCES:
        (home / name).mkdir(parents=True)
        (home / name / "PG_VERSION").write_text("18\n")
        (home / name / "rows").write_text("old")


def test_a_moved_checkout_finds_its_databases_and_reset_removes_them(tmp_path: Path, homes: Path) -> None:
    home = ran(Layout(tmp_path / "here", 8123))
    (tmp_path / "here").rename(tmp_path / "moved there")
    moved = Layout(tmp_path / "moved there", 8123)
    assert storage.claim_home(moved) == home
    storage.mark_home(moved, home)
    assert storage.claim_home(moved) == home
    assert home in storage.wipe(moved)
    assert not home.exists()


def test_a_checkout_moved_before_homes_were_noted_finds_them_too(tmp_path: Path, homes: Path) -> None:
    here = Layout(tmp_path / "he%re", 8123)
    home = ran(here)
    facts = json.loads((here.state / "run.json").read_text())
    (here.state / "run.json").write_text(json.dumps({"socket": facts["socket"]}))
    configure(here, home)
    (tmp_path / "he%re").rename(tmp_path / "there")
    assert storage.claim_home(Layout(tmp_path / "there", 8123)) == home


@pytest.mark.parametrize("notes", [None, "", "null", "[1]", "{", "{}"])
@pytest.mark.parametrize(("was", "place"), [("he%re", "he%re"), ("here", "there"), ("booking", "booking")])
def test_databases_are_found_though_the_notes_were_lost(
    tmp_path: Path, homes: Path, notes: str | None, was: str, place: str
) -> None:
    """A power cut empties files. A checkout may be called as a database is."""
    here = Layout(tmp_path / was, 8123)
    home = ran(here)
    configure(here, home)
    (here.state / "run.json").unlink()
    if notes is not None:
        (here.state / "run.json").write_text(notes)
    here.root.rename(tmp_path / place)
    layout = Layout(tmp_path / place, 8123)
    assert storage.claim_home(layout) == home
    assert storage.control_socket(layout) == Path(SOCKET)
    shutil.rmtree(home / "seats")
    with pytest.raises(SandboxError, match="databases that are not there"):
        storage.claim_home(layout)


def test_a_copy_of_a_checkout_leaves_the_originals_databases_alone(tmp_path: Path, homes: Path) -> None:
    home = ran(Layout(tmp_path / "here", 8123))
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    copy = Layout(tmp_path / "copy", 8123)
    assert storage.control_socket(copy) is None
    assert storage.claim_home(copy) != home
    storage.wipe(copy)
    assert home.exists()


def test_a_moved_checkout_finds_its_databases_though_another_has_run_in_its_old_place(
    tmp_path: Path, homes: Path
) -> None:
    home = ran(Layout(tmp_path / "here", 8123))
    (tmp_path / "here").rename(tmp_path / "there")
    assert ran(Layout(tmp_path / "here", 8123)) != home
    assert storage.claim_home(Layout(tmp_path / "there", 8123)) == home


def test_who_comes_to_where_a_moved_checkout_was_takes_a_home_of_its_own(tmp_path: Path, homes: Path) -> None:
    home = ran(Layout(tmp_path / "here", 8123))
    (tmp_path / "here").rename(tmp_path / "there")
    moved, new = Layout(tmp_path / "there", 8123), Layout(tmp_path / "here", 8123)
    assert storage.claim_home(moved) == home
    storage.mark_home(moved, home)
    storage.wipe(new)  # nothing of it is there yet
    assert home.exists()
    assert ran(new) != home
    storage.wipe(new)
    assert home.exists()


@pytest.mark.parametrize("root", [True, False])
def test_databases_that_are_gone_are_told_of_and_not_made_anew(
    tmp_path: Path, root: bool, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not root:
        monkeypatch.setattr(storage, "postgres_account", lambda: None)
    layout = Layout(tmp_path / "here", 8123)
    shutil.rmtree(ran(layout) / "seats")
    with pytest.raises(SandboxError, match=r"databases that are not there: .*/seats"):
        storage.claim_home(layout)
    storage.wipe(layout)
    layout.state.mkdir(parents=True)
    storage.claim_home(layout)


def test_databases_without_their_passwords_are_not_removed(tmp_path: Path, homes: Path) -> None:
    layout = Layout(tmp_path / "here", 8123)
    home = ran(layout)
    (layout.state / SECRETS).unlink()
    with pytest.raises(SandboxError, match=r"no secrets\.env"):
        storage.claim_home(layout)
    assert home.exists()


def test_notes_are_replaced_whole(tmp_path: Path, homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path / "here", 8123)
    home = ran(layout)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        storage.remember(layout, socket="/elsewhere")
    assert storage.postgres_home(layout) == home


@pytest.mark.parametrize("port", [None, 20_410, 65_535])
def test_a_port_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path, homes: Path, port: int | None) -> None:
    """Somebody else's, one that its own processes would take, and the last one there is."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0 if port in (None, 20_410) else 65_535))
        other.listen()
        port = port or other.getsockname()[1]
        sandbox = Sandbox(tmp_path / "here", port)
        try:
            with pytest.raises(SandboxError, match="choose another PORT") as refused:
                sandbox.start()
        finally:
            sandbox.stop()
    assert "65536" not in refused.value.reason
    assert not (tmp_path / "here/.sandbox" / str(port)).exists()
    assert not homes.exists()
