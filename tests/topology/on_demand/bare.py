"""`python -m tests.topology.on_demand.bare PORT`: of the house with a service on demand, Redis and the control process.

What is on demand can be started and stopped in it, and that is all it is for: a whole sandbox takes half a minute.
"""

import signal
import sys
from pathlib import Path
from types import FrameType

from sandbox.data import storage
from sandbox.machine import redis_server
from sandbox.machine.accounts import postgres_account
from sandbox.machine.postgres import Clusters
from sandbox.runtime import Sandbox
from sandbox.stages import Stages
from topology.processes import BY_NAME

ROOT = Path(__file__).parents[3]


class Bare(Sandbox):
    def start(self) -> None:
        self._undo.enter_context(storage.lock(self.layout))
        self._prepare()
        clusters = Clusters(storage.postgres_home(self.layout), postgres_account())
        storage.mark_home(self.layout, clusters.home)
        redis = redis_server.write_configuration(
            self.layout.state / "redis", self.layout.ports["redis"], self.environments.secrets["REDIS_PASSWORD"]
        )
        self._start_supervisord(clusters, redis)
        for name in ("redis", BY_NAME["control"].name):
            self.start_process(name)
            self.wait_healthy(name)


def main(port: int) -> None:
    with Bare(ROOT, port, Stages()):
        print("ready", flush=True)
        signal.pause()


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    main(int(sys.argv[1]))
