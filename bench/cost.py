"""Where the processor time goes: CPU seconds of each program, with its children (PostgreSQL's backends), between two looks."""

from collections.abc import Mapping
from contextlib import suppress

import psutil


def look(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds used so far by each named process and its descendants."""
    seconds = {}
    for name, pid in pids.items():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            seconds[name] = sum(_used(one) for one in [process, *process.children(recursive=True)])
    return seconds


def spent(before: Mapping[str, float], after: Mapping[str, float], bookings: int) -> dict[str, float]:
    """CPU milliseconds per booking of each program, the greediest first. (A backend that ended in between is not counted.)"""
    cost = {name: (after[name] - before.get(name, 0.0)) * 1e3 / bookings for name in after}
    return dict(sorted(cost.items(), key=lambda item: -item[1]))


def _used(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0
