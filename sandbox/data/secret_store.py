"""Passwords and keys: made once, at random, kept in a file only the owner can read."""

import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

from topology.processes import ROLES, password_key

NAMES = (*map(password_key, ("postgres", *ROLES, "redis")), "SECRET_KEY", "OPERATOR_TOKEN")


def load_or_create(path: Path) -> dict[str, str]:
    """The secrets by name. Missing ones are made and stored; existing ones never change."""
    known = {key: value for key, value in dotenv_values(path).items() if value} if path.exists() else {}
    if all(name in known for name in NAMES):
        return known
    known |= {name: secrets.token_hex(24) for name in NAMES if name not in known}
    write_private(path, known)
    return known


def write_private(path: Path, values: dict[str, str]) -> None:
    """Write KEY=value lines, readable by the owner alone from the first byte on; replaces the file whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{key}={value}\n" for key, value in values.items())
    draft.replace(path)
