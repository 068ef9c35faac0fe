"""Checks from outside whether a process does its work.

`python -m control.health <name>` is the health check of the containers: it exits with 0 or 1, without loading Django.
"""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

import psycopg
import redis

from topology.parts import admin_key
from topology.processes import BY_NAME, Process

CONTAINER_PORT = 8000  # where every HTTP process of docker-compose.yml listens, each in its own container


def is_healthy(
    process: Process, ports: Mapping[str, int], environment: Mapping[str, str], front: str = "127.0.0.1"
) -> bool:
    """Check the process in the way that its kind requires.

    `ports` are by process name; `environment` has REDIS_URL and, for a PostgreSQL, its ADMIN_URL; `front` is the host in the
    front door's URL.
    """
    match process.health:
        case "http":
            host = front if process.name == "web" else "127.0.0.1"
            return http_is_healthy(f"http://{host}:{ports[process.name]}")
        case "heartbeat":
            return has_heartbeat(environment["REDIS_URL"], process.name)
        case "redis":
            return redis_is_healthy(environment["REDIS_URL"])
        case "postgres":
            return postgres_is_healthy(environment[admin_key(process.instance)])


def http_is_healthy(url: str) -> bool:
    """GET {url}/healthz answers 200."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310 - always http
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def has_heartbeat(redis_url: str, name: str) -> bool:
    """The process has sent a heartbeat within the last 10 s (messaging/process/heartbeat.py)."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=2) as client:
            return bool(client.exists(f"alive:{name}"))
    except redis.RedisError:
        return False


def forget_heartbeat(redis_url: str, name: str) -> None:
    with redis.Redis.from_url(redis_url, socket_timeout=2) as client:
        client.delete(f"alive:{name}")


def redis_is_healthy(url: str) -> bool:
    """The server answers PING, which it does not while it still loads its file."""
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.AuthenticationError:  # an answer that would not change with waiting
        raise
    except redis.RedisError:
        return False


def postgres_is_healthy(url: str) -> bool:
    """The server accepts a client."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise
        return False
    return True


if __name__ == "__main__":
    process = BY_NAME[sys.argv[1]]
    sys.exit(0 if is_healthy(process, {process.name: CONTAINER_PORT}, os.environ) else 1)
