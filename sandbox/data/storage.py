"""The sandbox's own directory `.sandbox/<PORT>/`: the lock, what is remembered between runs, and wiping it all."""

import fcntl
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import IO

from sandbox.errors import AlreadyRunning, SandboxError
from sandbox.layout import Layout
from sandbox.machine.accounts import postgres_account
from sandbox.machine.address import Front
from topology.processes import INSTANCES

SOCKET_PREFIX = "sagabox-"
HOMES = Path("/var/lib")  # where root keeps the clusters


def lock(layout: Layout) -> IO[str]:
    """Hold the state directory for as long as the returned file is open. The kernel releases it however this process ends."""
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
            f"stop it there, or start another one with: make run PORT={layout.another_port}"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def postgres_home(layout: Layout) -> Path:
    """Where the clusters live: in the state directory, or, when root lends another account, where that account can go.

    That place is noted in run.json, so a checkout that was moved or renamed finds it again and `reset` can wipe it.
    """
    if postgres_account() is None:
        return layout.state / "pg"
    return Path(str(recall(layout).get("home") or _new_home(layout)))


def claim_home(layout: Layout) -> Path:
    """The clusters' home, noted as ours. Raises SandboxError where databases were made once and are gone."""
    facts = recall(layout)
    home = postgres_home(layout)
    if "home" not in facts and postgres_account() is not None and home.exists():  # of a checkout that stood here before
        home = next(
            place for number in range(2, 1000) if not (place := home.with_name(f"{home.name}-{number}")).exists()
        )
    missing = [name for name in INSTANCES if not (home / name).exists()]
    if facts.get("socket") and missing:
        raise SandboxError(
            f"{layout.state} has passwords for databases that are not there: {home / missing[0]}. "
            "Put them back where they were, or start afresh with `make reset`"
        )
    if not (layout.state / "secrets.env").exists() and home.exists() and any(home.iterdir()):
        raise SandboxError(
            f"{home} has databases and {layout.state} no secrets.env: restore that file, or `make reset`"
        )
    remember(layout, home=str(home), state=str(layout.state))
    return home


def mark_home(layout: Layout, home: Path) -> None:
    """Mark the home as this sandbox's, so that another sandbox's `reset` does not remove it."""
    (home / "state").write_text(str(layout.state.resolve()))


def _is_somebody_elses(layout: Layout, home: Path) -> bool:
    try:
        return (home / "state").read_text() != str(layout.state.resolve())
    except FileNotFoundError:
        return False


def _new_home(layout: Layout) -> Path:
    digest = hashlib.sha256(str(layout.state.resolve()).encode()).hexdigest()[:12]
    return HOMES / f"sagabox-{digest}-{layout.port}"


def forget_new(layout: Layout) -> None:
    """Remove everything of a sandbox that failed before it had passwords."""
    if not (layout.state / "secrets.env").exists():
        shutil.rmtree(layout.state, ignore_errors=True)


def remember(layout: Layout, **values: str | int) -> None:
    """Note facts about this run for `status` and for the next run; replaced whole, however we end."""
    draft = layout.state / "run.new"
    draft.write_text(json.dumps(recall(layout) | values))
    draft.replace(layout.state / "run.json")


def recall(layout: Layout) -> dict[str, str | int]:
    """What was noted. A copy of a checkout has its original's notes, which do not apply to it; a checkout that was
    moved keeps its own, whatever is in its old place now."""
    facts = _noted(layout.state)
    original = Path(str(facts.get("state", layout.state)))
    if original.resolve() != layout.state.resolve():
        theirs = _noted(original)
        if theirs and theirs.get("home") == facts.get("home"):
            return {}
    return facts


def _noted(state: Path) -> dict[str, str | int]:
    try:
        facts: dict[str, str | int] = dict(json.loads((state / "run.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):  # lost, or emptied by a power cut
        facts = {}
    return facts if "home" in facts else _configured(state) | facts


def _configured(state: Path) -> dict[str, str | int]:
    """What the supervisor's configuration of the last run names: for notes that were lost, and versions that noted no home."""
    try:
        text = (state / "supervisord.conf").read_text()
    except FileNotFoundError:
        return {}
    first = INSTANCES[0]
    lines = {
        "home": rf"\[program:postgres-{first}\]\n(?:.+\n)*?directory=(.+)/{first}",  # not a checkout that is called so
        "state": r"pidfile=(.+)/supervisord\.pid",
        "socket": "file=(.+)",
    }
    matches = {name: re.search(f"^{line}$", text, re.MULTILINE) for name, line in lines.items()}
    found: dict[str, str | int] = {name: match[1].replace("%%", "%") for name, match in matches.items() if match}
    if not found.keys() >= {"home", "state"}:
        return {}
    if postgres_account() is None:
        del found["home"]
    return found


def layout_of(root: Path, port: int) -> Layout:
    """The sandbox of PORT as it runs, or last ran, here."""
    known = recall(Layout(root, port))
    return Layout(root, port, Front(str(known.get("host", Front.host)), str(known.get("origin", ""))))


def control_socket(layout: Layout) -> Path | None:
    """The socket of the supervisord that runs, or last ran, here."""
    path = recall(layout).get("socket")
    return Path(str(path)) if path else None


def wipe(layout: Layout) -> list[Path]:
    """Remove data, logs and secrets; returns what was removed. The caller holds the lock and has made sure that nothing
    runs."""
    gone = []
    home = postgres_home(layout)
    unnoted = "home" not in recall(layout)
    for path in (home, layout.state):
        if path.exists() and not (path == home and unnoted and _is_somebody_elses(layout, home)):
            shutil.rmtree(path)
            gone.append(path)
    return gone
