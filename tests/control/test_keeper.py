"""The fault plan's owner: what it must not forget, whoever dies."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

import faults
from control.keeper import Keeper, Unknown
from control.mirror import Mirror, Seen, end_what_kills
from control.state import Record, State, Store
from faults import Action, Fault, FaultError, Kind, Mechanism, Plan, Point, Target, Trigger
from messaging.observe import STREAM
from messaging.process.redis import redis_of_a_round, redis_of_requests
from tests.breaking import frozen
from tests.control.conftest import NewKeeper
from tests.servers import redis_server_in
from tests.waiting import wait_until

DECLINED = {"point": Point.ANSWER, "action": Action.REFUSE, "service": "payments", "message": "TakePayment"}
TARGET = Target(message="TakePayment", booking="b-1")


def fault(**more: Any) -> Fault:
    return Fault(**{**DECLINED, **more})


def only(keeper: Keeper) -> dict[str, Any]:
    (found,) = keeper.listing()
    return found


def strike(redis: Redis) -> Fault | None:
    """As the service does when the message passes."""
    return Plan(redis, "payments").refresh().strike(Point.ANSWER, TARGET)


def journal(redis: Redis, pos: int, struck: Fault) -> None:
    """As the recorder does with the observation of a strike."""
    data = {"kind": "fault", "data": {"fault": struck.id, "fired": struck.fired}}
    entry = {"pos": pos, "kind": "observation", "title": "struck", "committed_at": "", "correlations": ["b-1"]}
    redis.xadd("journal", {"e": json.dumps(entry | {"data": data}, separators=(",", ":"))}, id=f"{pos}-0")


def test_what_is_armed_reaches_the_service_and_what_struck_comes_back(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault())
    assert only(keeper)["state"] == "armed"
    assert strike(redis) is not None
    found = only(keeper)
    assert (found["state"], found["fired"], found["last_booking"]) == ("exhausted", 1, "b-1")
    assert strike(redis) is None
    assert faults.listing(redis) == [], "what is spent costs the services nothing"
    assert armed.fault.id == found["id"]


def test_the_journal_entry_of_each_strike_is_found(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault(trigger=Trigger(kind=Kind.TIMES, times=3))).fault
    for pos in (41, 43):
        struck = strike(redis)
        assert struck is not None
        journal(redis, pos, struck)
        journal(redis, pos + 1, struck)  # what was held went on: another entry about the same strike
        keeper.turn()
    assert [proof["pos"] for proof in only(keeper)["proofs"]] == [41, 43]
    assert only(keeper)["id"] == armed.id


def test_an_entry_that_comes_late_is_found_too(keeper: Keeper, redis: Redis) -> None:
    keeper.arm(fault())
    struck = strike(redis)
    assert struck is not None
    assert only(keeper)["proofs"] == []
    journal(redis, 7, struck)
    assert [(proof["pos"], proof["booking"]) for proof in only(keeper)["proofs"]] == [(7, "b-1")]


def test_a_killed_keeper_forgets_nothing(new_keeper: NewKeeper, redis: Redis) -> None:
    first = new_keeper()
    spent, armed = first.arm(fault()).fault, first.arm(fault(booking="b-2")).fault
    first.switch(Mechanism.BARRIER, off=True, who="ana")
    strike(redis)
    first.turn()
    again = new_keeper()
    assert [(one["id"], one["state"]) for one in again.listing()] == [(spent.id, "exhausted"), (armed.id, "armed")]
    assert again.off() == {"barrier"}
    (off,) = again.switched_off()
    assert (off["name"], off["by"]) == ("barrier", "ana")
    assert off["at"] == first.switched_off()[0]["at"]
    again.switch(Mechanism.BARRIER, off=False, who="ben")
    assert again.switched_off() == []


def test_a_redis_that_lost_everything_is_given_the_plan_anew(keeper: Keeper, redis: Redis) -> None:
    keeper.arm(fault(trigger=Trigger(kind=Kind.TIMES, times=2)))
    keeper.switch(Mechanism.OUTBOX, off=True)
    strike(redis)
    keeper.turn()
    redis.flushall()
    assert strike(redis) is None
    keeper.turn()
    assert Plan(redis, "payments").refresh().disabled(Mechanism.OUTBOX)
    assert strike(redis) is not None
    assert strike(redis) is None, "it had struck once before the data were lost"


def test_arming_and_clearing_leave_an_entry_saying_who(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault(who="ana")).fault
    keeper.clear(armed.id, "ben")
    told = [json.loads(fields[b"o"]) for _, fields in cast(Any, redis.xrange(STREAM))]
    assert [(one["kind"], one["text"]) for one in told] == [
        ("operator", "ana arms refuse at answer of payments (TakePayment)"),
        ("operator", "ben clears refuse at answer of payments (TakePayment)"),
    ]


def test_clearing_ends_it_and_clearing_again_takes_it_from_the_list(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault()).fault
    assert keeper.clear(armed.id).fault.state == "cleared"
    assert strike(redis) is None
    keeper.clear(armed.id)
    assert keeper.listing() == []
    with pytest.raises(Unknown):
        keeper.clear(armed.id)


def test_a_fault_expires_by_itself(keeper: Keeper, redis: Redis) -> None:
    keeper.arm(fault(expires_at=(datetime.now(UTC) - timedelta(seconds=1)).isoformat()))
    assert only(keeper)["state"] == "expired"
    assert faults.listing(redis) == []


def test_of_two_that_contradict_both_are_shown_and_the_first_wins(keeper: Keeper, redis: Redis) -> None:
    first = keeper.arm(fault(reason="card_declined")).fault
    keeper.arm(fault(reason="insufficient_funds"))
    assert len(keeper.listing()) == 2
    struck = strike(redis)
    assert struck is not None
    assert struck.id == first.id


def test_what_is_held_goes_on(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault(point=Point.TRANSACTION_COMMITTED, action=Action.HOLD)).fault
    hold = faults.Hold(redis, armed, "worker-payments", TARGET)
    assert [one["booking"] for one in only(keeper)["held"]] == ["b-1"]
    assert keeper.resume(armed.id, "ana") == 1
    assert only(keeper)["held"] == []
    assert keeper.resume(armed.id) == 0
    hold.leave()
    with pytest.raises(Unknown):
        keeper.resume("nobody")


def test_arming_another_does_not_undo_a_strike_of_this_moment(
    keeper: Keeper, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service strikes between the keeper's look at Redis and its writing there."""
    once = keeper.arm(fault()).fault
    read = Mirror.read
    struck: list[Fault | None] = []

    def read_and_be_overtaken(mirror: Mirror) -> Seen:
        seen = read(mirror)
        struck.append(strike(redis) if not struck else None)
        return seen

    monkeypatch.setattr(Mirror, "read", read_and_be_overtaken)
    keeper.arm(fault(booking="b-2"))
    assert struck[0] is not None
    assert struck[0].id == once.id
    assert strike(redis) is None, "it was to strike once"
    assert keeper.listing()[0]["fired"] == 1


def test_what_redis_has_not_taken_is_not_said_to_be_with_the_services(
    keeper: Keeper, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent Redis cannot be asked for here; its client's answer is the same."""
    with monkeypatch.context() as away:
        away.setattr(Mirror, "read", silent)
        keeper.arm(fault())
        assert (only(keeper)["state"], only(keeper)["told"]) == ("armed", False)
        assert strike(redis) is None
    keeper.turn()
    assert only(keeper)["told"]
    assert strike(redis) is not None


@pytest.mark.parametrize(("client", "told"), [(redis_of_a_round, True), (redis_of_requests, False)])
def test_a_redis_that_was_silent_for_a_moment_is_told_at_the_next_turn(
    tmp_path: Path, settings: Any, client: Callable[[float], Redis], told: bool
) -> None:
    """The control: the client of requests leaves Redis alone for two seconds, in which nothing could strike."""
    with redis_server_in(tmp_path) as server:
        settings.REDIS_URL = server.url
        redis = client(0.25)
        keeper = Keeper(redis, Store(tmp_path / "plan"), os.environ)
        keeper.turn()
        with frozen(server.pid):
            assert not keeper.shown(keeper.arm(fault()))["told"]
        keeper.turn()
        assert only(keeper)["told"] is told


def silent(mirror: Mirror) -> Seen:
    raise RedisTimeoutError("Timeout reading from socket")


def test_a_hold_that_was_cleared_while_redis_was_away_ends(keeper: Keeper, redis: Redis) -> None:
    armed = keeper.arm(fault(point=Point.TRANSACTION_COMMITTED, action=Action.HOLD)).fault
    hold = faults.Hold(redis, armed, "worker-payments", TARGET)
    keeper.turn()
    redis.flushall()
    keeper.clear(armed.id)  # finds nothing to resume
    wait_until(lambda: keeper.listing() and hold.ended(), 5, "the hold to end")


WEB = {"point": Point.PROCESS, "action": Action.CRASH, "service": "web", "message": ""}


def test_what_kills_the_sandboxs_own_programs_does_not_outlive_a_start(new_keeper: NewKeeper, redis: Redis) -> None:
    """Nor does Redis' copy bring it back, whatever the file says."""
    first = new_keeper()
    killing, other = first.arm(fault(**WEB)).fault, first.arm(fault(booking="b-2")).fault
    assert redis.hexists("faults", killing.id)
    again = new_keeper()
    assert {one["id"]: one["state"] for one in again.listing()} == {killing.id: "cleared", other.id: "armed"}
    assert not redis.hexists("faults", killing.id)


def test_what_it_struck_before_the_start_is_known(new_keeper: NewKeeper, redis: Redis) -> None:
    """Control itself is killed once: its successor says fired, and not cleared."""
    killing = new_keeper().arm(fault(**WEB | {"service": "control"})).fault
    assert Plan(redis, "control", "control").refresh().strike(Point.PROCESS, Target()) is not None
    (found,) = new_keeper().listing()
    assert (found["id"], found["state"], found["fired"]) == (killing.id, "exhausted", 1)


def test_a_copy_in_redis_alone_arms_no_such_fault_at_a_start(
    new_keeper: NewKeeper, redis: Redis, tmp_path: Path
) -> None:
    """Somebody emptied the list of the plan by hand, and left its epoch."""
    killing = new_keeper().arm(fault(**WEB)).fault
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "records": []}))
    again = new_keeper()
    assert all(one["state"] == "cleared" for one in again.listing())
    assert not redis.hexists("faults", killing.id)


def test_an_unbounded_fault_on_the_house_is_refused_here_too(keeper: Keeper) -> None:
    with pytest.raises(FaultError, match="lock you out"):
        keeper.arm(fault(**WEB, trigger=Trigger(kind=Kind.ALWAYS)))
    assert keeper.listing() == []


DEADLY: list[dict[str, Any]] = [
    {"point": Point.PROCESS, "action": Action.CRASH, "service": "relay-booking", "message": ""},
    {"point": Point.TRANSACTION_BEFORE, "action": Action.CRASH},
    {"point": Point.PROJECTOR_BEFORE, "action": Action.HANG, "service": "projections", "message": ""},
    {"point": Point.DATABASE, "action": Action.DOWN, "service": "seats", "message": ""},
    {"point": Point.REDIS, "action": Action.DOWN, "service": "redis", "message": ""},
]


def test_before_the_sandbox_starts_the_plan_forgets_what_kills_and_nothing_else(redis: Redis, tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = [fault(**more, trigger=Trigger(kind=Kind.ALWAYS)) for more in DEADLY]
    other = fault(trigger=Trigger(kind=Kind.ALWAYS))
    store.save(State(epoch="e", records={one.id: Record(one, until="9") for one in [*made, other]}))
    Mirror(redis).write_all("e", [*made, other], ())
    assert store.end_what_kills() == {one.id for one in made}
    end_what_kills(redis)
    assert [record.fault.id for record in store.load().live()] == [other.id]
    assert [record.until for record in store.load().records.values()] == [""] * len(made) + ["9"]
    assert [one.id for one in faults.listing(redis)] == [other.id]
