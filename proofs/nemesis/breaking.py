"""Carries out the strikes: signals to supervisor's pids, deleted files, shifted timestamps. `heal` undoes everything."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

import psycopg

from proofs import running
from proofs.history import Recorder
from proofs.house import House, NotInTime
from proofs.nemesis import lasting, schedule
from proofs.nemesis.schedule import Strike
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from topology.processes import BY_NAME, HOUSE

SHIFT = {
    "seats": "update seats_hold set expires_at = expires_at - %s * interval '1 second' where status = 'HELD'",
    "booking": "update booking_saga set due_at = due_at - %s * interval '1 second' where due_at is not null",
}
"""A clock that jumps ahead, seen from what it is compared with. Our times come from PostgreSQL's clock_timestamp(),
which cannot be set for one instance; shifting every stored moment into the past has the same effect on comparisons."""


class Breaker:
    """Strikes as scheduled while `progress()` (0 to 1) grows. Start it as a thread; `heal()` afterwards. Raises NoSandbox."""

    def __init__(self, layout: Layout, house: House, recorder: Recorder, strikes: Sequence[Strike]) -> None:
        self.layout, self.house, self.recorder, self.strikes = layout, house, recorder, strikes
        self.supervisor = running.supervisor(layout)
        self._stopped: dict[int, threading.Timer] = {}
        self._extra: list[subprocess.Popen[bytes]] = []
        self._lasting: dict[ExitStack, threading.Timer] = {}
        self._ending: list[threading.Timer] = []
        self.armed: list[str] = []
        self.done = 0

    def arm(self, faults: Sequence[dict[str, Any]]) -> None:
        for fault in faults:
            self.armed.append(self.house.arm(**fault))
            self.recorder.write("fault", what=f"armed: {fault['action']}", on=str(fault["point"]), fault=fault)

    def run(self, progress: Callable[[], float], over: Callable[[], bool]) -> None:
        for strike in self.strikes:
            while progress() < strike.when and not over():
                time.sleep(0.05)
            self.strike(strike)

    def strike(self, strike: Strike) -> None:
        self.recorder.write("fault", what=strike.what, on=strike.on, seconds=strike.seconds)
        try:
            _DO[strike.what](self, strike)
        except (
            SandboxError,
            OSError,
            NotInTime,
            psycopg.Error,
        ) as error:  # it was down already: a strike without effect
            self.recorder.write("fault", what=f"no {strike.what}", on=strike.on, why=f"{type(error).__name__}: {error}")
        self.done += 1

    def heal(self) -> None:
        """Nothing is broken on purpose any more; what was killed may still be on its way back."""
        for pid, timer in list(self._stopped.items()):
            timer.cancel()
            self._continue(pid)
        for stack, timer in list(self._lasting.items()):
            timer.cancel()
            self._end(stack)
        for timer in self._ending:
            timer.join(60)
        for process in self._extra:
            process.terminate()
        for process in self._extra:
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
        self.house.clear_all()
        self.recorder.write("healed")

    def _pid(self, name: str) -> int:
        pid = self.supervisor.statuses()[name].pid
        if not pid:
            raise ProcessLookupError(f"{name} is not running")
        return pid

    def _kill(self, strike: Strike) -> None:
        os.kill(self._pid(strike.on), signal.SIGKILL)

    def _restart(self, strike: Strike) -> None:
        """PostgreSQL's immediate shutdown: no checkpoint, recovery on start; supervisor starts it again."""
        os.kill(self._pid(strike.on), signal.SIGQUIT)

    def _lose_redis(self, strike: Strike) -> None:
        tier = BY_NAME["redis"].tier
        self.supervisor.stop(tier, "redis")
        directory = self.layout.state / "redis"
        for file in (*directory.glob("appendonlydir/*"), *directory.glob("*.aof"), *directory.glob("*.rdb")):
            file.unlink()
        self.supervisor.start(tier, "redis")

    def _stop(self, strike: Strike) -> None:
        pid = self._pid(strike.on)
        os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(strike.seconds, self._continue, [pid])
        self._stopped[pid] = timer
        timer.daemon = True
        timer.start()

    def _continue(self, pid: int) -> None:
        if self._stopped.pop(pid, None):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _for_a_while(self, strike: Strike, broken: AbstractContextManager[None]) -> None:
        """Broken from now on, for `strike.seconds`; `heal` ends it sooner."""
        stack = ExitStack()
        stack.enter_context(broken)
        timer = threading.Timer(strike.seconds, self._end, [stack])
        timer.daemon = True
        self._lasting[stack] = timer
        self._ending.append(timer)
        timer.start()

    def _end(self, stack: ExitStack) -> None:
        if self._lasting.pop(stack, None):
            with suppress(SandboxError, NotInTime, OSError, psycopg.Error):  # the server has been killed meanwhile
                stack.close()

    def _read_only(self, strike: Strike) -> None:
        url = lasting.environments(self.layout).admin_url(strike.on.removeprefix("postgres-"))
        self._for_a_while(strike, lasting.read_only(url))

    def _freeze(self, strike: Strike) -> None:
        self._for_a_while(strike, lasting.frozen(self._pid(strike.on)))

    def _lock(self, strike: Strike) -> None:
        database = HOUSE.database_of(strike.on)
        url = lasting.environments(self.layout).url(database, database.owner)
        self._for_a_while(strike, lasting.locked(url, strike.on))

    def _swallow(self, strike: Strike) -> None:
        self._for_a_while(strike, lasting.swallowed(self.layout, self.supervisor, strike.on))

    def _drop_slot(self, strike: Strike) -> None:
        """A slot is gone at run time, and what its reader had not read.

        A relay's: the outbox has the messages, and watchdog and barrier repair the loss. A recorder's: an entry shows
        what is missing.
        """
        slot, _, service = strike.on.partition("-")
        url = lasting.environments(self.layout).url(HOUSE.database_of(service), "postgres")
        with psycopg.connect(url, autocommit=True) as found:
            found.execute(
                "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s", (slot,)
            )
            found.execute("select pg_drop_replication_slot(%s)", (slot,))

    def _zombie(self, strike: Strike) -> None:
        """The worker is stopped in the middle of its work; another takes that over; then the first one wakes up and
        resumes."""
        self.another_worker(strike.on)
        self._stop(Strike(when=strike.when, what=strike.what, on=f"worker-{strike.on}", seconds=strike.seconds))

    def another_worker(self, service: str) -> None:
        """Start another worker of the service, for the rest of the run; returns once it takes messages."""
        name = f"{service}-extra-{len(self._extra) + 1}"
        self._extra.append(running.another_worker(self.layout, service, name))

    def _clock(self, strike: Strike) -> None:
        url = running.values(self.layout, strike.on)[f"DATABASE_URL_{strike.on.upper()}"]
        with psycopg.connect(url, connect_timeout=5) as connection:
            rows = connection.execute(SHIFT[strike.on].encode(), [strike.seconds]).rowcount
        self.recorder.write("fault", what="clock jumped", on=strike.on, rows=rows)


_DO: dict[str, Callable[[Breaker, Strike], None]] = {
    schedule.KILL: Breaker._kill,
    schedule.RESTART: Breaker._restart,
    schedule.REDIS: Breaker._lose_redis,
    schedule.STOP: Breaker._stop,
    schedule.ZOMBIE: Breaker._zombie,
    schedule.CLOCK: Breaker._clock,
    schedule.READ_ONLY: Breaker._read_only,
    schedule.FREEZE: Breaker._freeze,
    schedule.LOCK: Breaker._lock,
    schedule.SWALLOW: Breaker._swallow,
    schedule.SLOT: Breaker._drop_slot,
}
