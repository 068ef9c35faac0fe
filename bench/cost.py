"""Where the processor time goes: CPU seconds of each program, with its children (PostgreSQL's backends), between two looks."""

import os
from collections.abc import Mapping
from contextlib import suppress

import psutil


def look(pids: Mapping[str, int], *, ended: bool = False) -> dict[str, float]:
    """CPU seconds used so far by each named process and its descendants; with `ended`, by those that have ended, too."""
    seconds = {}
    for name, pid in pids.items():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            seconds[name] = sum(_used(one, ended) for one in [process, *process.children(recursive=True)])
    return seconds


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds of each program between two looks."""
    return {name: max(after[name] - before.get(name, 0.0), 0.0) for name in after}


def a_booking(seconds: Mapping[str, float], bookings: int) -> dict[str, float]:
    """CPU milliseconds per booking of each program, the greediest first."""
    cost = {name: spent * 1e3 / bookings for name, spent in seconds.items()}
    return dict(sorted(cost.items(), key=lambda item: -item[1]))


class Machine:
    """What others used of this machine's processors while something was measured: since this was made."""

    def __init__(self) -> None:
        self._began = self._busy()

    def others(self, measured: float, elapsed: float) -> float:
        """Their share, 0 to 1: of all processors over `elapsed` seconds, without the `measured` CPU seconds."""
        spent = self._busy() - self._began - measured
        whole = elapsed * (os.cpu_count() or 1)
        return min(max(spent / whole, 0.0), 1.0) if whole else 0.0

    @staticmethod
    def _busy() -> float:
        times = psutil.cpu_times()
        return float(times.user + times.system + getattr(times, "nice", 0.0))


def _used(process: psutil.Process, ended: bool) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        reaped = times.children_user + times.children_system if ended else 0.0
        return float(times.user + times.system + reaped)
    return 0.0
