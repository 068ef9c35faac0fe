"""The account that PostgreSQL runs as. It refuses to run as root, so root gives it another account and a separate directory."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError


def postgres_account() -> pwd.struct_passwd | None:
    """The account to switch to; None for an ordinary user, who runs PostgreSQL as himself."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SandboxError("PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`")


def switched(account: pwd.struct_passwd | None) -> dict[str, object]:
    """Arguments for subprocess that run the child as `account`."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def make_private(path: Path, account: pwd.struct_passwd | None) -> Path:
    """A directory nobody but `account` can look into (root of course can). Its parents must already be passable."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def own(tree: Path, account: pwd.struct_passwd | None) -> None:
    """Give a whole tree to `account`; None: it is ours already."""
    if account is not None:
        for path in (tree, *tree.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def reachable(base: Path, trees: list[str], program: Path, account: pwd.struct_passwd | None, private: Path) -> Path:
    """`base` itself when `account` can run `base/program`, else `private/copy` with the same `trees` below it, made once.

    The virtual environment may lie where the account cannot go (/root, a home directory). Opening those directories to
    everybody, as the wheel's own helper does, is not ours to do.
    """
    if account is None or _runs(base / program, account):
        return base
    copy, draft = private / "copy", private / "copy.new"
    if not copy.exists():
        shutil.rmtree(draft, ignore_errors=True)
        for tree in trees:
            shutil.copytree(base / tree, draft / tree, symlinks=True)
        own(draft, account)
        draft.rename(copy)
    return copy


def _runs(program: Path, account: pwd.struct_passwd) -> bool:
    """Tried rather than reasoned out: modes, ACLs and mount options all have a say."""
    try:
        subprocess.run(
            [program, "--version"], cwd="/", check=True, capture_output=True,
            user=account.pw_uid, group=account.pw_gid, extra_groups=[],
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return True
