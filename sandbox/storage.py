"""The sandbox's own directory `.sandbox/<PORT>/`: the lock, what is remembered between runs, and wiping it all."""

import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import IO

from sandbox.accounts import postgres_account
from sandbox.address import Front
from sandbox.errors import AlreadyRunning, SandboxError
from sandbox.layout import Layout

SOCKET_PREFIX = "sagabox-"


def lock(layout: Layout) -> IO[str]:
    """Hold the state directory for as long as the returned file is open. The kernel lets go of it however we end."""
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (layout.state / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise AlreadyRunning(
            f"already running at {layout.url} (process {holder}); "
            f"stop it there, or start another beside it: make run PORT={layout.port + 1}"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def postgres_home(layout: Layout) -> Path:
    """Where the clusters live: in the state directory, or, when root lends another account, where that account can go.

    The place depends on the state directory alone, so that it is found again and `reset` can wipe it.
    """
    if postgres_account() is None:
        return layout.state / "pg"
    digest = hashlib.sha256(str(layout.state.resolve()).encode()).hexdigest()[:12]
    return Path("/var/lib") / f"sagabox-{digest}-{layout.port}"


def remember(layout: Layout, **values: str | int) -> None:
    """Note facts about this run for `status` and for the next run."""
    (layout.state / "run.json").write_text(json.dumps(recall(layout) | values))


def recall(layout: Layout) -> dict[str, str | int]:
    try:
        return dict(json.loads((layout.state / "run.json").read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def layout_of(root: Path, port: int) -> Layout:
    """The sandbox of PORT as it runs, or last ran, here."""
    known = recall(Layout(root, port))
    return Layout(root, port, Front(str(known.get("host", Front.host)), str(known.get("origin", ""))))


def control_socket(layout: Layout) -> Path | None:
    """The socket of the supervisord that runs, or last ran, here."""
    path = recall(layout).get("socket")
    return Path(str(path)) if path else None


def wipe(layout: Layout) -> list[Path]:
    """Remove data, logs and secrets; returns what went. The caller holds the lock and knows that nothing runs."""
    gone = []
    for path in (postgres_home(layout), layout.state):
        if path.exists():
            shutil.rmtree(path)
            gone.append(path)
    return gone


def discard_orphaned_clusters(layout: Layout, home: Path) -> bool:
    """Clusters whose passwords are lost (someone removed `.sandbox/` by hand) can be opened by nobody: they go."""
    if (layout.state / "secrets.env").exists() or not home.exists():
        return False
    if home == layout.state / "pg" and any(home.iterdir()):
        raise SandboxError(
            f"{layout.state} has databases but no secrets.env: restore that file, or start afresh with `make reset`"
        )
    shutil.rmtree(home)
    return True
