"""The keeper of the fault plan: arms and clears faults, records strikes, and carries out what only the control process
may do.

Every change is on disk before it takes effect. The set of servers that are down is not stored but derived from the plan
at every turn. So a keeper that was killed resumes where it stopped, and nothing stays down by accident.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from redis import Redis, RedisError

import faults
from control.databases import Databases
from control.mirror import Mirror, Seen
from control.outages import check_outage, described, down, lose_everything, move, outage
from control.proofs import LOOK_BACK, Proofs
from control.state import Record, State, Store, as_text
from faults import BY_CONTROL, LIMIT, Fault, FaultError, Held, Mechanism, Point, check_house
from messaging.observe import observe
from topology.tuning import Seconds

log = logging.getLogger(__name__)
LOOK_S: Seconds = 0.2  # how long to wait for the plan's lock before looking whether to stop


class Unknown(LookupError):
    """No fault has this id."""


class Keeper:
    """Thread-safe. Call `turn()` repeatedly; the other methods serve a person's requests. Redis may be down at any time."""

    def __init__(
        self,
        redis: Redis,
        store: Store,
        environment: Mapping[str, str],
        works: Callable[[str], bool] = lambda instance: True,
    ) -> None:
        """`works`: whether a PostgreSQL instance is to work; one on demand may be stopped."""
        self._redis, self._store = redis, store
        self._mirror, self._proofs = Mirror(redis), Proofs(redis)
        self._databases, self._works = Databases(environment, works), works
        self._state: State = store.load()
        # until faults on the sandbox's own programs have been dropped from the plan
        self._loaded_at: str | None = _now()
        self._journal_end = 0
        self._unmirrored = {record.fault.id for record in self._state.live()}  # Redis may not have them yet
        self._switched = True  # nor have the mechanisms that are off
        self._held: list[Held] = []
        self._untold: list[Callable[[], bool]] = []  # observations that wait for Redis
        self._silent = False  # whether Redis answered the last time
        self._lock = threading.RLock()
        for record in self._state.records.values():
            if record.fault.fired > len(record.proofs):
                self._proofs.expect(record.fault, 0)

    # Requests of a person

    def arm(self, fault: Fault) -> Record:
        """Raises FaultError when it cannot be armed, Stopped for an outage of a database that does not run."""
        with self._lock:
            if len(self._state.live()) >= LIMIT:
                raise FaultError(f"{LIMIT} faults are armed already; clear some first")
            check_house(fault)
            if (fault.point, fault.action) in BY_CONTROL:
                check_outage(fault, self._works)
            record = self._state.records[fault.id] = Record(fault)
            self._unmirrored.add(fault.id)
            self._save()
            text = f"{fault.who or 'somebody'} arms {described(fault)}"
            data = {"fault": fault.id, "armed": {**fault.as_dict(), "limit": fault.trigger.limit}}
            self._observe(fault.service, "operator", text, fault.booking, data=data)
            self.turn()
            return self._state.records.get(fault.id, record)

    def clear(self, name: str, who: str = "") -> Record:
        """Clear a live fault; remove a spent one from the list. Raises Unknown."""
        with self._lock:
            record = self._find(name)
            if self._acts(record):
                self._clear(record, who)
            else:
                del self._state.records[name]
            self._save()
            self.turn()
            return record

    def resume(self, name: str, who: str = "") -> int:
        """Resume what this fault holds; return how many stood still. Raises Unknown, RedisError."""
        with self._lock:
            fault = self._find(name).fault
            released = faults.release(self._redis, name)
            if released:
                self._observe(
                    fault.service, "operator", f"{who or 'somebody'} resumes {described(fault)}", fault.last_booking
                )
                self._send_observations()
            return released

    def clear_all(self, who: str = "") -> int:
        """Clear the live faults, remove the spent ones; returns how many were live."""
        with self._lock:
            live = [record for record in self._state.records.values() if self._acts(record)]
            self._state.records = {record.fault.id: record for record in live}
            for record in live:
                self._clear(record, who)
            self._save()
            self.turn()
            return len(live)

    def switch(self, mechanism: Mechanism, *, off: bool, who: str = "") -> None:
        with self._lock:
            if self._state.switch(str(mechanism), off=off, by=who or "somebody", at=_now()):
                self._save()
                text = f"{who or 'somebody'} switches the {mechanism} {'off' if off else 'on again'}"
                self._observe("control", "operator", text, data={"mechanism": str(mechanism), "off": off})
                self._switched = True
                self.turn()

    def listing(self) -> list[dict[str, Any]]:
        """All armed faults and their outcomes, in the order of arming; as recent as Redis allows.

        A turn that waits for Redis, or for a database, does not delay readers.
        """
        if self._lock.acquire(timeout=LOOK_S):
            try:
                if not self._silent:
                    self.turn()
            finally:
                self._lock.release()
        return [self.shown(record) for record in list(self._state.records.values())]

    def shown(self, record: Record) -> dict[str, Any]:
        """A record, with what it holds. `told`: Redis has the fault; until then the services cannot hit it."""
        name = record.fault.id
        held = [asdict(one) for one in self._held if one.fault == name]
        return {**record.as_dict(), "held": held, "told": name not in self._unmirrored}

    def off(self) -> frozenset[str]:
        return self._state.off

    def switched_off(self) -> list[dict[str, str]]:
        return self._state.switched_off()

    def report_slot(self, service: str, text: str) -> None:
        """Observe that a replication slot was lost, and has been recreated (see slots.py)."""
        with self._lock:
            self._observe(service, "slot", text)

    # The keeper's own work

    def turn(self) -> None:
        """Read Redis, carry out what is due, end what is over. Cheap while nothing is armed."""
        with self._lock:
            before = as_text(self._state)
            spent: list[str] = []
            try:
                spent = self._meet(self._mirror.read())
                self._held = self._standing()
                self._silent = False
            except RedisError as error:  # away: then only the durable copy exists
                if not self._silent:
                    log.warning("Redis does not answer, trying on: %s", error)
                self._silent = True
            self._move_outages()
            if not self._down(Point.REDIS):  # it would lose what is written now
                self._send_observations()
            if as_text(self._state) != before:
                self._state.forget_oldest()
                self._save()
            # only now: a keeper that was killed before this would have armed them again
            with contextlib.suppress(RedisError):
                self._mirror.remove(spent)
            self._databases.reconcile(self._down(Point.DATABASE))
            if self._down(Point.REDIS):
                lose_everything(self._redis)

    def rest(self) -> None:
        """Before this process ends: bring everything up again, since no other process would."""
        with self._lock:
            self._databases.reconcile(())

    def _meet(self, seen: Seen) -> list[str]:
        """Reconcile the durable copy and the mirror: Redis has the strikes, the durable copy the armed faults. Returns
        the faults that the mirror no longer needs.
        """
        records = self._state.records
        if text := self._mirror.put_aside(seen):
            self._observe("control", "fault plan", text)
            self._unmirrored |= seen.unreadable.keys()  # it may have replaced one that is armed
        ours = seen.epoch == self._state.epoch
        for name, fault in seen.faults.items() if ours else ():
            known = records.setdefault(name, Record(fault))
            if known.fault.live and fault.passes >= known.fault.passes:
                if fault.fired > known.fault.fired:
                    self._proofs.expect(fault, self._journal_end or max(seen.journal_end - LOOK_BACK, 0))
                known.fault = fault
        self._drop_house()
        if not ours:
            self._mirror.write_all(self._state.epoch, self._mirrored(), self._state.off)
        else:
            missing = [fault for fault in self._mirrored() if fault.id not in seen.faults]
            self._mirror.add(fault for fault in missing if fault.id in self._unmirrored)
            for fault in missing:
                if fault.id not in self._unmirrored:  # a person removed it from Redis
                    records[fault.id].fault = replace(fault, cleared_at=_now())
            if self._switched:
                self._mirror.write_off(self._state.off)
            else:
                self._state.off = seen.off
        self._unmirrored.clear()
        self._switched = False
        self._proofs.collect(records, seen.journal_end)
        self._journal_end = seen.journal_end
        return [name for name in seen.faults if ours and not records[name].fault.live]

    def _drop_house(self) -> None:
        """Once after a start: a fault that kills the sandbox's own programs is ended, also in Redis' copy, or no start
        would succeed. Its earlier strikes have been recorded by then."""
        loaded_at, self._loaded_at = self._loaded_at, None
        for record in self._state.live():
            if (
                loaded_at
                and record.fault.on_the_house
                and record.fault.point == Point.PROCESS
                and record.fault.armed_at < loaded_at
            ):
                record.fault = replace(record.fault, cleared_at=_now())

    def _standing(self) -> list[Held]:
        """What stands still. What a fault holds that was cleared while Redis was away is resumed now."""
        standing = faults.held(self._redis)
        for name in {one.fault for one in standing}:
            record = self._state.records.get(name)
            if record and record.fault.cleared_at:
                faults.release(self._redis, name)
        return standing

    def _move_outages(self) -> None:
        """The keeper carries out outages itself: it records each as fired before it acts."""
        begun, ended = move(self._state.records.values(), datetime.now(UTC))
        for fault in begun:
            self._proofs.expect(fault, self._journal_end)
            data = {"fault": fault.id, "fired": fault.fired}
            self._observe(fault.service, "fault", f"{outage(fault)}, injected", data=data)
        for fault in ended:
            self._observe(fault.service, "outage over", f"{outage(fault)} is over")

    def _down(self, point: Point) -> set[str]:
        return down(self._state.records.values(), point)

    def _clear(self, record: Record, who: str) -> None:
        record.fault = replace(record.fault, cleared_at=record.fault.cleared_at or _now())
        record.until = record.until and _now()
        with contextlib.suppress(RedisError):
            faults.clear(self._redis, record.fault.id)
        text, data = (
            f"{who or 'somebody'} clears {described(record.fault)}",
            {"fault": record.fault.id, "cleared": True},
        )
        self._observe(record.fault.service, "operator", text, data=data)

    def _acts(self, record: Record) -> bool:
        return record.fault.live or bool(record.until) or any(one.fault == record.fault.id for one in self._held)

    def _find(self, name: str) -> Record:
        try:
            return self._state.records[name]
        except KeyError:
            raise Unknown(f"there is no fault '{name}'") from None

    def _mirrored(self) -> list[Fault]:
        """The faults that the services need: live ones that they carry out themselves."""
        live = [record.fault for record in self._state.live()]
        return [fault for fault in live if (fault.point, fault.action) not in BY_CONTROL]

    def _save(self) -> None:
        self._store.save(self._state)

    def _observe(self, service: str, kind: str, text: str, booking: str = "", **more: Any) -> None:
        self._untold.append(lambda: observe(self._redis, service or "control", kind, text, booking=booking, **more))

    def _send_observations(self) -> None:
        while self._untold and self._untold[0]():  # not taken: sent again in the next turn
            del self._untold[0]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
