"""Redis (or Valkey): its configuration and command. obtain.py gets the program."""

import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.machine.redis_server.obtain import obtained, on_path

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
    """Path of a server of version 6.2 or newer. Streams and LMPOP-free Lua are all we use."""
    found = on_path() or obtained(Path(sys.prefix))
    if not found.exists():
        raise SandboxError("there is no redis-server: `make run` gets one, or builds it, or says what is missing")
    return str(found)


def write_configuration(directory: Path, port: int, password: str) -> Path:
    """Redis' data directory with its configuration inside; in a file, because every user can see a password in argv."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "redis.conf"
    path.touch(mode=0o600)
    path.write_text(CONFIGURATION.format(port=port, password=password, directory=directory))
    return path


def command(configuration: Path) -> list[str]:
    return [binary(), str(configuration)]
