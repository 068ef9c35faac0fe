"""The form for any fault, and what its fields become."""

from typing import Any

import pytest

import faults
from dashboard.chips import OWNERS, owner_of, shown
from dashboard.rail import form, wanted
from faults import AT, Point


@pytest.mark.parametrize("service", OWNERS)
def test_whatever_the_form_offers_can_be_armed(service: str) -> None:
    """But for a delay without its length, each choice that fits the one before it makes a fault."""
    for point, _ in form({"service": service})["points"]:
        for action in form({"service": service, "point": point})["actions"]:
            chosen = form({"service": service, "point": point, "action": action})
            assert chosen["asked"]["point"] == point
            assert chosen["asked"]["action"] == action
            fault = faults.parse(wanted(chosen["asked"]))
            assert (fault.point, fault.action) == (point, action)
            assert owner_of(fault.service) == service
            for message in chosen["messages"]:
                assert faults.parse(wanted({**chosen["asked"], "message": message})).message == message


def test_a_choice_that_does_not_fit_the_one_before_it_is_made_anew() -> None:
    chosen = form({"service": "redis", "point": "bus", "action": "drop"})["asked"]
    assert (chosen["service"], chosen["point"], chosen["action"]) == ("redis", "redis", "down")


def test_every_point_can_be_reached() -> None:
    offered = {point for service in OWNERS for point, _ in form({"service": service})["points"]}
    assert offered == set(Point)
    assert {owner_of(place) for places in AT.values() for place in places} <= OWNERS.keys()


def test_when_and_for_whom() -> None:
    asked = {"point": "answer", "action": "refuse", "place": "payments", "reason": "card_declined"}
    made = wanted(
        {**asked, "kind": "probability", "probability": "0.25", "seed": "7", "for": "customer", "customer": "123"}
    )
    fault = faults.parse(made)
    assert (fault.trigger.probability, fault.trigger.seed, fault.customer, fault.booking) == (0.25, 7, 123, "")
    many = faults.parse(wanted({**asked, "kind": "times", "times": "3", "after": "2", "for": "seat", "seat": " A-15 "}))
    assert (many.trigger.times, many.trigger.after, many.seat) == (3, 2, "A-15")


def test_what_is_no_number_is_shown_in_the_refusal() -> None:
    with pytest.raises(faults.FaultError, match="often"):
        faults.parse(wanted({"point": "answer", "action": "refuse", "kind": "times", "times": "often"}))


def test_of_very_many_the_newest_are_shown_and_whatever_stands_still() -> None:
    armed: list[dict[str, Any]] = [
        {"id": str(number), "held": [], "until": "2030-01-01T00:00:00+00:00" if number == 3 else ""}
        for number in range(1000)
    ]
    assert [one["id"] for one in shown(armed)] == ["3", *(str(number) for number in range(981, 1000))]
    assert shown(armed[:20]) == armed[:20]
