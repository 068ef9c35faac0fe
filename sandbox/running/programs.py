"""From the list of processes to supervisor's programs: the commands, directories and accounts of this machine."""

import sys
from pathlib import Path

from sandbox.layout import Layout
from sandbox.machine import redis_server
from sandbox.machine.postgres import Clusters
from sandbox.running.environment import Environments
from sandbox.running.supervise import Program
from topology.processes import SUPERVISED, Process, Tier

NICE = ("nice", "-n", "10")  # a tenth of the weight of its neighbours


def programs(layout: Layout, environments: Environments, clusters: Clusters, redis: Path) -> list[Program]:
    """`redis` is the path of its configuration."""
    return [_program(process, layout, environments, clusters, redis) for process in SUPERVISED]


def _program(process: Process, layout: Layout, environments: Environments, clusters: Clusters, redis: Path) -> Program:
    if process.tier is Tier.POSTGRES:
        return Program(
            name=process.name,
            tier=process.tier,
            command=clusters.command(process.instance, layout.ports[process.name]),
            directory=clusters.data(process.instance),
            log=layout.log(process.name),
            environment={},
            user=clusters.account.pw_name if clusters.account else "",
            stop_signal="INT",  # a fast shutdown: TERM would wait for its clients to go
            stop_patience=60,
        )
    if process.tier is Tier.REDIS:
        command, directory = redis_server.command(redis), redis.parent
    else:
        host = layout.front.host if process.name == "web" else "127.0.0.1"
        command = process.command(sys.executable, host, layout.ports.get(process.name, 0))
        command = [*NICE, *command] if process.yields else command
        directory = layout.root
    return Program(
        name=process.name,
        tier=process.tier,
        command=command,
        directory=directory,
        log=layout.log(process.name),
        environment=environments.of_process(process),
        ends=process.ends,
    )
