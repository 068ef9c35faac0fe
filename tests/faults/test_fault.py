"""A fault as a value: what can be asked for, and what is refused with which sentence."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from booking.saga.definitions import DEFINITIONS
from faults import (
    ALLOWED,
    OWN,
    Action,
    Fault,
    FaultError,
    Kind,
    Point,
    Target,
    Trigger,
    catalogue,
    check_own,
    dump,
    load,
    parse,
)  # fmt: skip
from faults.messages import COMMANDS, EVENTS
from faults.plan import draw
from faults.points import AT

GOOD = {"point": "transaction.inside", "action": "error", "service": "payments"}
ENVELOPE = {
    "type": "TakePayment", "correlationid": "b-1", "sagastep": "TakePayment", "sagaaction": "forward",
    "data": {"customer_id": 123},
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"point": "transaction.later"}, "unknown point 'transaction.later'; there are transaction.before"),
        ({"action": "explode"}, "unknown action 'explode'; there are error"),
        ({"action": "drop"}, "'drop' makes no sense at 'transaction.inside'; allowed there: crash, delay, error"),
        ({"trigger": {"kind": "sometimes"}}, "unknown trigger.kind 'sometimes'; there are once, times, probability"),
        ({"trigger": {"kind": "probability", "probability": 1.5}}, "trigger.probability is from 0 to 1, not 1.5"),
        ({"trigger": {"kind": "probability", "probability": -0.1}}, "trigger.probability is from 0 to 1"),
        ({"trigger": {"kind": "probability", "probability": float("nan")}}, "trigger.probability is a number"),
        ({"trigger": {"kind": "times", "times": 0}}, "trigger.times is a whole number from 1 to"),
        ({"trigger": {"kind": "times", "times": 1.5}}, "trigger.times is a whole number"),
        ({"trigger": {"after": -1}}, "trigger.after is a whole number from 0"),
        ({"trigger": {"seed": 2**40}}, "trigger.seed is a whole number"),
        ({"trigger": {"chance": 1}}, "a trigger has no 'chance'; it has kind, times, probability, seed, after"),
        ({"trigger": "once"}, "trigger is an object"),
        ({"action": "delay"}, "a delay needs seconds: more than 0, at most 300"),
        ({"action": "delay", "seconds": 301}, "seconds is from 0 to 300, not 301"),
        ({"action": "delay", "seconds": float("inf")}, "seconds is a number from 0 to 300"),
        ({"action": "delay", "seconds": "5"}, "seconds is a number from 0 to 300"),
        ({"action": "hold", "seconds": 121}, "a hold resumes by itself after 120 seconds at most"),
        ({"service": "journal"}, "nothing of 'journal' passes 'transaction.inside'; service may be booking, seats"),
        ({"direction": "sideways"}, "no direction 'sideways'"),
        (
            {"message": "ReserveSeats"},
            "no 'ReserveSeats' passes 'transaction.inside' of payments; there are TakePayment",
        ),
        ({"message": "TakePaymentReply"}, "no 'TakePaymentReply' passes 'transaction.inside' of payments"),
        ({"service": "", "message": "TakeMoney"}, "no 'TakeMoney' passes 'transaction.inside'; there are ReserveSeats"),
        ({"step": "FenceTickets"}, "no step is called 'FenceTickets'; there are ReserveSeats"),
        ({"point": "process", "action": "crash", "service": "web", "booking": "b-1"}, "it cannot be for one booking"),
        ({"point": "api", "action": "down", "message": "PATCH"}, "no 'PATCH' passes 'api' of payments; there are GET"),
        ({"point": "process", "action": "crash", "service": ""}, "a fault at 'process' names its service: worker-"),
        ({"customer": "Ana"}, "customer is a whole number"),
        ({"booking": 7}, "booking is a text"),
        ({"only_new": "yes"}, "only_new is true or false"),
        ({"expires_at": "tomorrow"}, "expires_at is an ISO 8601 time"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at needs a time zone"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at is in the past"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at is an ISO 8601 time"),
        ({"fired": 3}, "a fault has no 'fired' to choose"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse(GOOD | wrong)
    assert sentence in str(refused.value)


HOUSE = [
    {"point": "process", "action": "crash", "service": "web"},
    {"point": "process", "action": "crash", "service": "control"},
    {"point": "process", "action": "crash", "service": "recorder"},
    {"point": "process", "action": "crash", "service": "api-journal"},
    {"point": "redis", "action": "down", "service": "redis"},
    {"point": "redis", "action": "down"},
    {"point": "database", "action": "down", "service": "projections"},
    {"point": "database", "action": "delay", "service": "projections", "seconds": 1},
]
"""What the sandbox itself stands on, at every place where it can be struck."""


@pytest.mark.parametrize("asked", HOUSE, ids=lambda asked: f"{asked.get('service')} {asked['point']} {asked['action']}")
def test_no_fault_locks_everybody_out(asked: dict[str, Any]) -> None:
    """What strikes the sandbox's own programs is bounded in number and in time."""
    unbounded = [{"kind": "always"}, {"kind": "probability", "probability": 0.01}, {"kind": "times", "times": 4}]
    for trigger in unbounded:
        with pytest.raises(FaultError, match="would lock you out; choose once, or at most 3 times"):
            parse({**asked, "trigger": trigger})
    fault = parse({**asked, "trigger": {"kind": "times", "times": 3}})
    assert datetime.fromisoformat(fault.expires_at) - datetime.fromisoformat(fault.armed_at) == timedelta(seconds=60)
    with pytest.raises(FaultError, match="would lock you out: it lasts 60 seconds at most"):
        parse({**asked, "expires_at": (datetime.now(UTC) + timedelta(minutes=5)).isoformat()})
    with pytest.raises(FaultError, match="it lasts 60 seconds at most"):
        parse({**asked, "seconds": 61})


def test_a_services_own_process_may_be_killed_again_and_again() -> None:
    asked = {"point": "process", "action": "crash", "service": "worker-payments", "trigger": {"kind": "always"}}
    assert parse(asked).remaining is None


@pytest.mark.parametrize("missing", ["point", "action"])
def test_a_fault_needs_a_point_and_an_action(missing: str) -> None:
    with pytest.raises(FaultError, match=f"a fault needs {missing}"):
        parse({name: value for name, value in GOOD.items() if name != missing})


def test_a_fault_survives_the_way_into_the_plan_and_back() -> None:
    fault = parse(
        {**GOOD, "trigger": {"kind": "probability", "probability": 0.25, "seed": 7, "after": 2}, "customer": 123,
         "seat": "A-15", "direction": "compensation"}, who="Ana",
    )  # fmt: skip
    assert load(dump(fault)) == fault
    assert (fault.who, fault.trigger.kind, fault.point) == ("Ana", Kind.PROBABILITY, Point.TRANSACTION_INSIDE)
    assert json.loads(json.dumps(fault.as_dict()))["state"] == "armed"


def test_its_state_follows_from_what_it_did() -> None:
    def state(**more: Any) -> tuple[str, int | None]:
        fault = Fault(point=Point.ANSWER, action=Action.REFUSE, **more)
        return fault.state, fault.remaining

    twice = Trigger(kind=Kind.TIMES, times=2)
    assert state(trigger=twice) == ("armed", 2)
    assert state(trigger=twice, fired=1) == ("fired", 1)
    assert state(trigger=twice, fired=2) == ("exhausted", 0)
    assert state(trigger=Trigger(kind=Kind.ALWAYS), fired=9) == ("fired", None)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert state(expires_at=past) == ("expired", 1)
    assert state(cleared_at=past) == ("cleared", 1)


def test_it_expires_by_itself_an_hour_after_arming() -> None:
    fault = parse(GOOD)
    life = datetime.fromisoformat(fault.expires_at) - datetime.fromisoformat(fault.armed_at)
    assert life == timedelta(hours=1)


@pytest.mark.parametrize(
    ("scope", "aims"),
    [
        ({}, True),
        ({"message": "TakePayment"}, True),
        ({"message": "RefundPayment"}, False),
        ({"step": "TakePayment"}, True),
        ({"step": "IssueTickets"}, False),
        ({"direction": "forward"}, True),
        ({"direction": "compensation"}, False),
        ({"booking": "b-1"}, True),
        ({"booking": "b-2"}, False),
        ({"customer": 123}, True),
        ({"customer": 99}, False),
        ({"seat": "A-15"}, False),  # the message carries no seat, and nobody has learned whose the booking is
        ({"booking": "b-1", "customer": 99}, False),
    ],
)
def test_all_that_is_given_has_to_fit(scope: dict[str, Any], aims: bool) -> None:
    assert parse(GOOD | scope).aims_at(Target.of(ENVELOPE)) is aims


@pytest.mark.parametrize("seats", [["A-14", "A-15"], [{"label": "A-15", "status": "RESERVED"}]])
def test_seats_are_read_from_commands_and_events(seats: list[Any]) -> None:
    target = Target.of({"type": "ReserveSeats", "data": {"seats": seats}})
    assert parse(GOOD | {"seat": "A-15"}).aims_at(target)
    assert not parse(GOOD | {"seat": "A-1"}).aims_at(target)


@pytest.mark.parametrize("data", [None, [], {"seats": "A-15"}, {"seats": [7, None]}, {"customer_id": "123"}])
def test_whatever_a_message_carries_can_be_read(data: Any) -> None:
    assert not parse(GOOD | {"seat": "A-15", "customer": 123}).aims_at(Target.of({"type": "X", "data": data}))


def test_the_catalogue_says_all_about_every_point() -> None:
    entries = {entry.point: entry for entry in catalogue()}
    assert list(entries) == list(Point)
    for point, entry in entries.items():
        assert entry.sentence.endswith(".")
        assert set(entry.actions) == ALLOWED[point]
        assert entry.services == AT[point]


@pytest.mark.parametrize("service", COMMANDS)
def test_the_catalogue_knows_every_command_of_the_sagas(service: str) -> None:
    steps = [step for definition in DEFINITIONS.values() for step in definition.steps if step.service == service]
    sent = {body.type() for step in steps for body in (step.forward, step.compensation, step.fence) if body}
    assert set(COMMANDS[service]) == sent


@pytest.mark.parametrize("service", EVENTS)
def test_the_catalogue_names_events_of_the_contracts(service: str) -> None:
    contract = import_module(f"{service}.contract")
    assert all(hasattr(contract, event) for event in EVENTS[service])


def test_every_entry_of_the_catalogue_can_be_armed() -> None:
    for entry in catalogue():
        for action in entry.actions:
            for service in entry.services:
                seconds = 1 if action == Action.DELAY else 0
                assert Fault(point=entry.point, action=action, service=service, seconds=seconds).live


def test_the_dice_are_the_same_in_every_run() -> None:
    rolled = [draw(7, number) for number in range(1, 2001)]
    assert rolled[:2] == [draw(7, 1), draw(7, 2)]
    assert all(0 <= value < 1 for value in rolled)
    assert 0.2 < sum(value < 0.25 for value in rolled) / len(rolled) < 0.3
    assert rolled != [draw(8, number) for number in range(1, 2001)]


def test_a_fault_for_new_bookings_spares_those_under_way() -> None:
    armed = replace(parse(GOOD | {"only_new": True}), armed_at="2027-01-01T12:00:00.500900Z")
    assert not armed.aims_at(Target(booking=_uuid7("2027-01-01T12:00:00.499Z")))
    assert armed.aims_at(Target(booking=_uuid7("2027-01-01T12:00:00.500Z"))), "the same millisecond"
    assert armed.aims_at(Target(booking=_uuid7("2027-01-01T12:00:01Z")))
    assert parse(GOOD).aims_at(Target(booking=_uuid7("2020-01-01T00:00:00Z")))


def _uuid7(moment: str) -> str:
    """The least id that PostgreSQL's uuidv7() could give at that moment."""
    milliseconds = round(datetime.fromisoformat(moment).timestamp() * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62))


MINE = {"point": "answer", "action": "refuse", "service": "payments", "visitor": "aa"}


@pytest.mark.parametrize(
    "more",
    [
        {}, {"trigger": {"kind": "times", "times": 3, "after": 2}}, {"visitor": "", "booking": str(uuid.uuid4())},
        *({"point": point, "action": action, "service": "booking" if point.startswith("orch") else "tickets", "seconds": 5}
          for point, actions in OWN.items() for action in actions),
    ],
)  # fmt: skip
def test_a_visitor_arms_what_touches_one_booking_of_theirs(more: dict[str, Any]) -> None:
    check_own(parse({**MINE, **more}), "aa")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"visitor": ""}, "not for your next booking"),
        ({"visitor": "", "only_new": True}, "not for your next booking"),
        ({"visitor": "", "seat": "A-1"}, "not for your next booking"),
        ({"visitor": "", "customer": 7}, "not for your next booking"),
        ({"visitor": "bb"}, "not for your next booking"),
        ({"visitor": "bb", "booking": str(uuid.uuid4())}, "not for your next booking"),
        ({"trigger": {"kind": "probability", "probability": 0.5}}, "with a probability"),
        ({"trigger": {"kind": "always"}}, "until cleared"),
        ({"trigger": {"kind": "times", "times": 4}}, "strikes 4 times"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, "more than an hour"),
        ({"point": "database", "action": "delay", "seconds": 1}, "more than one booking"),
        ({"point": "projector.before", "action": "delay", "seconds": 1, "service": ""}, "more than one booking"),
    ],
)
def test_whatever_else_a_visitor_asks_for_is_refused(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FaultError, match=sentence):
        check_own(parse({**MINE, **more}), "aa")


def test_no_visitor_stops_a_process_that_serves_everybody() -> None:
    for point, actions in ALLOWED.items():
        own = OWN.get(point, frozenset())
        assert own <= actions
        assert not own & {Action.CRASH, Action.HANG, Action.PAUSE, Action.DOWN}
        if not point.startswith(("relay", "bus")):  # a worker that waits keeps everybody's messages waiting
            assert not own & {Action.DELAY, Action.HOLD}
    assert not OWN.keys() & {Point.API, Point.DATABASE, Point.PROCESS, Point.REDIS, Point.RELAY_AFTER_PUBLISH}


def test_without_a_pseudonym_nothing_is_ones_own() -> None:
    with pytest.raises(FaultError, match="not for your next booking"):
        check_own(parse({**MINE, "visitor": ""}), "")
