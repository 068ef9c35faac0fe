"""Where a sandbox's data are, and of which version: a moved checkout keeps them, an older version leaves newer ones alone."""

import json
import pwd
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from sandbox import backup, storage
from sandbox.backup import Backup, known, refuse_newer_data
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.postgres import Clusters
from sandbox.processes import ALIASES, INSTANCES
from sandbox.runtime import Sandbox

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
    lines = f"pidfile={here.state}/supervisord.pid\ndirectory={home}/booking\ndirectory={home}/seats\n"
    (here.state / "supervisord.conf").write_text(lines.replace("%", "%%"))
    (tmp_path / "he%re").rename(tmp_path / "there")
    assert storage.claim_home(Layout(tmp_path / "there", 8123)) == home


def test_a_copy_of_a_checkout_leaves_the_originals_databases_alone(tmp_path: Path, homes: Path) -> None:
    home = ran(Layout(tmp_path / "here", 8123))
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    copy = Layout(tmp_path / "copy", 8123)
    assert storage.control_socket(copy) is None
    assert storage.claim_home(copy) != home
    storage.wipe(copy)
    assert home.exists()


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


@pytest.mark.parametrize("port", [None, 20_320, 65_535])
def test_a_port_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path, homes: Path, port: int | None) -> None:
    """Somebody else's, one that its own processes would take, and the last one there is."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0 if port in (None, 20_320) else 65_535))
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


# Of which version they are


@pytest.fixture
def data(tmp_path: Path) -> Backup:
    layout = Layout(tmp_path / "here", 8123)
    layout.state.mkdir(parents=True)
    kept = Backup(layout, Clusters(layout.state / "pg", None))
    clusters(kept.clusters.home)
    kept.after_migrating()
    return kept


def of_version(data: Backup, migrations: list[str]) -> None:
    (data.layout.state / "schema.json").write_text(json.dumps(migrations))


def rows(data: Backup, name: str = "seats") -> Path:
    return data.clusters.data(name) / "rows"


def test_newer_data_are_refused_before_anything_is_touched(data: Backup) -> None:
    of_version(data, [*known(), "journal.9999_from_the_future"])
    before = {path: path.stat().st_mtime_ns for path in data.layout.root.rglob("*")}
    with pytest.raises(SandboxError, match=r"data of a newer version: .*journal\.9999_from_the_future") as refused:
        Sandbox(data.layout.root, data.layout.port).start()
    assert "\n" not in refused.value.reason
    assert {path: path.stat().st_mtime_ns for path in data.layout.root.rglob("*")} == before


def test_data_of_this_version_are_neither_refused_nor_copied(data: Backup) -> None:
    refuse_newer_data(data.layout)
    assert not data.is_due()


@pytest.mark.parametrize("older", [True, False])
def test_older_data_are_copied_and_can_be_put_back(data: Backup, older: bool) -> None:
    """`older`: of a version before there was a schema.json."""
    if older:
        (data.layout.state / "schema.json").unlink()
        assert not data.is_due(made=INSTANCES)  # the control: of no version, for they are empty
    else:
        of_version(data, known()[:-1])
    assert data.is_due()
    copy = data.make()
    assert copy == data.clusters.home / "backup"
    rows(data).write_text("half migrated")
    assert not data.is_due()  # broken off; the copy of what was whole stays
    rows(data).write_text("migrated")
    data.after_migrating()
    data.restore()
    assert rows(data).read_text() == "old"
    assert json.loads((data.layout.state / "schema.json").read_text()) == ([] if older else known()[:-1])
    assert data.is_due()  # whoever starts the newer version again has a copy again


def test_a_restore_that_was_broken_off_is_ended_before_anything_starts(
    data: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_version(data, known()[:-1])
    data.make()
    for name in INSTANCES:
        rows(data, name).write_text("migrated")
    rename = Path.rename

    def killed(path: Path, target: Path) -> None:
        if path.name == INSTANCES[2]:
            raise KeyboardInterrupt
        rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            data.restore()
    with pytest.raises(SandboxError, match="was broken off"):
        Sandbox(data.layout.root, data.layout.port).start()
    data.restore()
    assert {rows(data, name).read_text() for name in INSTANCES} == {"old"}
    refuse_newer_data(data.layout)


def test_a_copy_that_fails_takes_no_room(data: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    of_version(data, known()[:-1])
    monkeypatch.setattr(shutil, "copytree", _failing(shutil.copytree))
    with pytest.raises(OSError, match="no room"):
        data.make()
    assert sorted(path.name for path in data.clusters.home.iterdir()) == sorted(INSTANCES)


def _failing(copytree: Any) -> Any:
    def copy(source: Path, target: Path, **options: Any) -> None:
        copytree(source, target, **options)
        if source.name == "payments":
            raise shutil.Error("no room")

    return copy


def test_only_the_last_copy_is_kept(data: Backup) -> None:
    for text in ("first", "second"):
        rows(data).write_text(text)
        of_version(data, known()[:-1])
        data.make()
        data.after_migrating()
    assert (data.clusters.home / "backup/seats/rows").read_text() == "second"
    assert sorted(path.name for path in data.clusters.home.iterdir()) == sorted([*INSTANCES, "backup"])


def test_without_room_for_the_copy_nothing_is_migrated(data: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    of_version(data, known()[:-1])
    monkeypatch.setattr(backup, "MARGIN", 10**18)
    with pytest.raises(SandboxError, match="no room to copy them"):
        data.make()
    assert not (data.clusters.home / "backup").exists()


def test_there_is_nothing_to_restore_before_there_was_a_migration(data: Backup) -> None:
    with pytest.raises(SandboxError, match="there is no backup"):
        data.restore()


def test_the_files_say_what_django_knows() -> None:
    from django.db.migrations.loader import MigrationLoader

    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    assert known() == sorted(f"{app}.{name}" for app, name in disk if app in ALIASES)
