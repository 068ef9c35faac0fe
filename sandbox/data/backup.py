"""The version of a sandbox's data: newer data is refused before anything is touched, older data is copied and then
migrated.

`.sandbox/<PORT>/schema.json` lists the migrations of the code that last set the sandbox up. Only the last copy is kept,
in `backup` next to the clusters; `manage.py sandbox restore` restores it.
"""

import json
import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from control.setup.provision import admin_url
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.machine.accounts import own
from sandbox.machine.postgres import Clusters
from topology.processes import EVERY_INSTANCE, HOUSE, INSTANCES

MARGIN = 100_000_000  # bytes that stay free after the copy


def known() -> list[str]:
    """`app.name` of every migration of this code, read from its directories: the starting Python may not have Django."""
    root = Path(__file__).resolve().parents[2]
    rooms = {app: root.joinpath(*room.split("."), "migrations") for app, room in HOUSE.rooms.items()}
    return sorted(f"{app}.{path.stem}" for app, room in rooms.items() for path in room.glob("[0-9]*.py"))


def refuse_newer(applied: Iterable[str], advice: str = "") -> None:
    """Raise SandboxError if a migration was applied that this code does not have."""
    if strange := sorted(set(applied) - set(known())):
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise SandboxError(
            f"These are data of a newer version: migration {strange[0]}{more} is unknown here, so nothing was touched. "
            f"Start the newer version{advice}, or take another PORT; `make reset` starts afresh"
        )


@dataclass(frozen=True)
class Backup:
    """The schema of a sandbox's data, and the copy of them. The caller holds the lock, and nothing of the sandbox runs."""

    layout: Layout
    clusters: Clusters

    @property
    def directory(self) -> Path:
        return self.clusters.home / "backup"

    @property
    def _schema(self) -> Path:
        return self.layout.state / "schema.json"

    @property
    def _migrating(self) -> Path:
        """Exists while a migration is under way: a copy made before it must not be replaced by its half-finished result."""
        return self.layout.state / "migrating"

    def is_due(self, made: Sequence[str] = ()) -> bool:
        """Whether this code will migrate what is there. `made`: the clusters that were made just now, with nothing in them."""
        if made:
            return False
        return self._exists() and set(_applied(self._schema)) != set(known()) and not self._migrating.exists()

    def make(self) -> Path:
        """Copy the clusters; returns where the copy is."""
        self._copy()
        self._migrating.touch()
        return self.directory

    def after_migrating(self) -> None:
        """All of this code's migrations are applied."""
        draft = self._schema.with_suffix(".new")
        draft.write_text(json.dumps(known()))
        draft.replace(self._schema)
        self._migrating.unlink(missing_ok=True)

    def restore(self) -> str:
        """Move the copy to the place of the clusters, which needs no space; returns when it was made. May be repeated."""
        if not (self.directory / "made").exists():
            raise SandboxError(
                f"there is no backup at {self.directory}: one is made before data of an older version are migrated"
            )
        made = (self.directory / "made").read_text()
        if not _restoring(self.layout).exists():
            later = {*EVERY_INSTANCE} - {*INSTANCES} - {path.name for path in self.directory.iterdir()}
            for name in later:  # made on demand since: what came after is gone
                shutil.rmtree(self.clusters.data(name), ignore_errors=True)
        _restoring(self.layout).touch()
        for name in EVERY_INSTANCE:
            if (self.directory / name).exists():
                shutil.rmtree(self.clusters.data(name), ignore_errors=True)
                (self.directory / name).rename(self.clusters.data(name))
        # Redis has newer data; losing it does no harm. Its directory is created again.
        shutil.rmtree(self.layout.state / "redis", ignore_errors=True)
        shutil.copy(self.directory / "schema.json", self._schema)
        self._migrating.unlink(missing_ok=True)
        _restoring(self.layout).unlink()
        shutil.rmtree(self.directory)
        return made

    def _exists(self) -> bool:
        return all((self.clusters.data(name) / "PG_VERSION").exists() for name in INSTANCES)

    def _copy(self) -> None:
        there = [name for name in EVERY_INSTANCE if self.clusters.data(name).exists()]
        size = sum(path.lstat().st_size for name in there for path in self.clusters.data(name).rglob("*"))
        if (free := shutil.disk_usage(self.clusters.home).free) < size + MARGIN:
            raise SandboxError(
                f"the data are of an older version, and there is no room to copy them before they are migrated: "
                f"{(size + MARGIN) / 1e6:,.0f} MB are needed at {self.clusters.home}, {free / 1e6:,.0f} are free"
            )
        draft = self.clusters.home / "backup.new"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            for name in there:
                shutil.copytree(self.clusters.data(name), draft / name, symlinks=True)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        (draft / "schema.json").write_text(json.dumps(_applied(self._schema)))
        (draft / "made").write_text(time.strftime("%Y-%m-%d %H:%M:%S"))
        own(draft, self.clusters.account)
        shutil.rmtree(self.directory, ignore_errors=True)
        draft.rename(self.directory)


def _applied(schema: Path) -> list[str]:
    """The migrations that the file lists; none where there is no file, or none that can be read (a power cut empties files)."""
    try:
        found = json.loads(schema.read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _restoring(layout: Layout) -> Path:
    return layout.state / "restoring"


def refuse_newer_data(layout: Layout) -> None:
    """From the files alone, before anything is started or written."""
    if _restoring(layout).exists():
        raise SandboxError("Restoring the backup was interrupted: `manage.py sandbox restore` finishes it")
    applied = _applied(layout.state / "schema.json")
    refuse_newer(applied, ", put the backup back that was made before it migrated (`manage.py sandbox restore`)")


def refuse_newer_databases(environment: Mapping[str, str], instances: Collection[str] = INSTANCES) -> None:
    """The same check in the databases, for where there is no file, as in containers. As superuser: no other role exists yet."""
    for one in HOUSE.databases:
        if one.instance not in instances:
            continue
        with psycopg.connect(admin_url(environment, one.instance), autocommit=True) as connection:
            query = "select datallowconn from pg_database where datname = %s"
            found = connection.execute(query, (one.name,)).fetchone()
            if not found:
                continue
            if found == (False,):  # taken down on purpose when everything was stopped: it refuses the superuser, too
                statement = sql.SQL("alter database {} with allow_connections true")
                connection.execute(statement.format(sql.Identifier(one.name)))
        with psycopg.connect(admin_url(environment, one.instance, one.name), autocommit=True) as connection:
            if connection.execute("select to_regclass('django_migrations')").fetchone() == (None,):
                continue
            query = "select app, name from django_migrations where app = any(%s)"
            rows = connection.execute(query, (list(one.apps),)).fetchall()
            refuse_newer(f"{app}.{name}" for app, name in rows)
