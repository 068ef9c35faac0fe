"""Of which version a sandbox's data are: an older version leaves newer ones alone, a newer one copies older ones first."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from control.setup.provision import admin_url
from sandbox import runtime, setup_steps
from sandbox.data import backup, storage
from sandbox.data.backup import Backup, known, refuse_newer_data, refuse_newer_databases
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.machine.postgres import Clusters
from sandbox.runtime import Sandbox
from sandbox.stages import Stages
from tests.sandbox.test_data import clusters
from topology.processes import ALIASES, INSTANCE_OF, INSTANCES

NEWER = "9999_from_the_future"


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
    of_version(data, [*known(), f"journal.{NEWER}"])
    before = {path: path.stat().st_mtime_ns for path in data.layout.root.rglob("*")}
    with pytest.raises(SandboxError, match=rf"data of a newer version: .*journal\.{NEWER}") as refused:
        Sandbox(data.layout.root, data.layout.port).start()
    assert "\n" not in refused.value.reason
    assert {path: path.stat().st_mtime_ns for path in data.layout.root.rglob("*")} == before


@pytest.fixture
def newer(servers: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that a newer version has migrated; as in containers, no file says so."""
    alias = request.param
    with psycopg.connect(admin_url(servers, INSTANCE_OF[alias], alias), autocommit=True) as connection:
        connection.execute("create table django_migrations (app text, name text)")
        connection.execute("insert into django_migrations values (%s, %s)", (alias, NEWER))
        yield alias
        connection.execute("drop table django_migrations")


@pytest.mark.parametrize("newer", ALIASES, indirect=True)
def test_newer_databases_are_refused_before_anything_is_changed(
    servers: Mapping[str, str], newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, step in ((setup_steps.provision, "provision"), (setup_steps.publish, "publish")):
        monkeypatch.setattr(module, step, lambda environment: pytest.fail("something was changed"))
    with pytest.raises(SandboxError, match=rf"data of a newer version: migration {newer}\.{NEWER} is unknown here"):
        setup_steps.run(Stages(quiet=True), servers)


@pytest.mark.parametrize("alias", ALIASES)
def test_a_database_that_was_taken_down_is_looked_into_all_the_same(servers: Mapping[str, str], alias: str) -> None:
    """A fault takes a database down for everybody; the sandbox may be stopped, or killed, before it is over."""
    with psycopg.connect(admin_url(servers, INSTANCE_OF[alias]), autocommit=True) as connection:
        connection.execute(f"alter database {alias} with allow_connections false")
        try:
            refuse_newer_databases(servers)
            psycopg.connect(admin_url(servers, INSTANCE_OF[alias], alias)).close()
        finally:
            connection.execute(f"alter database {alias} with allow_connections true")


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


class _NextStep(BaseException):
    pass


@pytest.mark.parametrize("schema", ["[]", "", "{", "null", '{"journal": 1}'])
def test_a_start_copies_older_data_before_a_server_runs_on_them(
    data: Backup, monkeypatch: pytest.MonkeyPatch, schema: str
) -> None:
    """Data whose version cannot be read are taken for older ones."""
    (data.layout.state / "schema.json").write_text(schema)
    (data.layout.state / "secrets.env").touch()

    def stopped(*_: Any) -> None:
        raise _NextStep

    for module in (storage, runtime):
        monkeypatch.setattr(module, "postgres_account", lambda: None)
    monkeypatch.setattr(runtime, "taken", lambda *_: {})
    monkeypatch.setattr(runtime.redis_server, "write_configuration", stopped)
    sandbox = Sandbox(data.layout.root, data.layout.port)
    try:
        with pytest.raises(_NextStep):
            sandbox.start()
    finally:
        sandbox.stop()
    assert (data.directory / "seats/rows").read_text() == "old"


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
    with pytest.raises(SandboxError, match="was interrupted"):
        Sandbox(data.layout.root, data.layout.port).start()
    data.restore()
    assert {rows(data, name).read_text() for name in INSTANCES} == {"old"}
    refuse_newer_data(data.layout)


def test_what_is_on_demand_is_copied_where_it_is_and_what_was_made_later_goes(
    data: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "EVERY_INSTANCE", (*INSTANCES, "rare", "later"))
    (data.clusters.data("rare") / "base").mkdir(parents=True)
    rows(data, "rare").write_text("old")
    of_version(data, known()[:-1])
    data.make()
    rows(data, "rare").write_text("migrated")
    data.clusters.data("later").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy", _killed)
        with pytest.raises(KeyboardInterrupt):
            data.restore()
    data.restore()
    assert rows(data, "rare").read_text() == "old", "also when the first try was broken off"
    assert not data.clusters.data("later").exists()


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


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
