"""The form for any fault, and what its fields become."""

import re
import uuid
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory

import faults
from control.outages import check_outage
from dashboard.faults import wording
from dashboard.faults.chips import OWNERS, groups, owner_of, shown
from dashboard.faults.context import form, form_after_change, wanted
from dashboard.matrix import draw
from faults import AT, Point
from tests.dashboard.markup import compact


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


@pytest.mark.parametrize("service", OWNERS)
def test_every_combination_that_the_form_offers_can_be_armed(service: str) -> None:
    """Place by place, and each When that is offered there: the sandbox's own programs offer what is bounded."""
    for point, _ in form({"service": service})["points"]:
        for place in form({"service": service, "point": point})["places"]:
            chosen = {"service": service, "point": point, "place": place}
            for action in form(chosen)["actions"]:
                offered = form({**chosen, "action": action})
                for kind, _ in offered["whens"]:
                    fault = faults.parse(wanted(form({**chosen, "action": action, "kind": kind})["asked"]))
                    assert (fault.service, str(fault.trigger.kind)) == (place, kind)
                    if (fault.point, fault.action) in faults.BY_CONTROL:
                        check_outage(fault, lambda instance: True)
                kinds = {kind for kind, _ in offered["whens"]}
                assert not (fault.on_the_house and kinds & {"always", "probability"})


def test_the_reasons_are_those_of_the_service_and_the_message() -> None:
    def offered(service: str, message: str = "") -> list[str]:
        found: list[str] = form({"service": service, "point": "answer", "message": message})["reasons"]
        return found

    assert offered("payments", "TakePayment") == ["card_declined", "insufficient_funds"]
    assert offered("payments", "RefundPayment") == ["refund_refused"]
    assert offered("payments") == ["card_declined", "insufficient_funds", "refund_refused"]
    for service in ("seats", "payments", "tickets"):
        for message in form({"service": service, "point": "answer"})["messages"]:
            assert offered(service, message), f"{message} can be refused, so it has a reason"
            assert "card_declined" not in offered(service, message) or message == "TakePayment"


def test_a_fault_at_an_api_is_for_bookings_unless_somebody_chooses_otherwise() -> None:
    """The auditor asks the services' APIs again and again: it would take the one shot that was meant for a booking."""
    fresh = form_after_change(
        {"service": "booking", "point": "api", "action": "down", "message": "TakePayment"}, "point"
    )
    assert form(fresh)["asked"]["message"] == "POST"
    assert form({"service": "booking", "point": "api", "message": ""})["asked"]["message"] == ""
    assert form({"service": "booking", "point": "bus", "message": "POST"})["asked"]["message"] == ""


def test_when_begins_again_with_once_where_another_place_is_chosen() -> None:
    asked = {"service": "payments", "point": "process", "kind": "always", "times": "9", "after": "2"}
    for changed in ("service", "point"):
        assert form(form_after_change(asked, changed))["asked"]["kind"] == "once"
        assert form(form_after_change(asked, changed))["asked"]["after"] == "0"
    assert form(form_after_change(asked, "action"))["asked"]["kind"] == "always", "what is done there is another matter"
    assert form({"service": "house", "point": "process", "kind": "always"})["asked"]["kind"] == "once"


@pytest.mark.parametrize("service", OWNERS)
def test_the_form_of_a_whole_page_offers_processes_and_not_the_headers_pages(service: str) -> None:
    page = "{% extends 'base/base.html' %}{% block main %}{% include 'faults/faults.html#form' %}{% endblock %}"
    for point, _ in form({"service": service})["points"]:
        context = form({"service": service, "point": point})
        shown = compact(Template(page).render(Context({**context, "request": RequestFactory().get("/")})))
        select = re.search(r'<select id="arm-place".*?</select>', shown)
        hidden = re.search(r'<input type="hidden" name="place" value="([^"]*)">', shown)
        offered = re.findall(r"<option[^>]*>([^<]*)", select[0]) if select else [hidden[1] if hidden else ""]
        assert offered == context["places"]


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


def test_whatever_the_form_offers_a_visitor_they_may_arm() -> None:
    """Every service, point, action, how often and for whom; a booking of theirs stands for any."""
    offered = set()
    for service in form({}, own=True)["services"]:
        for point, _ in form({"service": service}, own=True)["points"]:
            for action in form({"service": service, "point": point}, own=True)["actions"]:
                chosen = {"service": service, "point": point, "action": action, "booking": str(uuid.uuid4())}
                choices = form(chosen, own=True)
                for kind, _ in choices["whens"]:
                    for scope in choices["scopes"]:
                        asked = form({**chosen, "kind": kind, "for": scope}, own=True)["asked"]
                        faults.check_own(faults.parse(wanted(asked, "aa")), "aa")
                offered.add((point, action))
    assert offered == {(str(point), str(action)) for point, actions in faults.OWN.items() for action in actions}
    assert form({"service": "redis", "for": "any", "kind": "always"}, own=True)["asked"]["for"] == "mine"


@pytest.mark.parametrize("own", [False, True])
def test_each_example_fills_the_form_as_it_says_and_can_be_armed(own: bool) -> None:
    offered = wording.examples(own)
    assert [one.title for one in offered] == (
        ["duplicate", "late answer"] if own else ["zombie", "duplicate", "late answer", "view stands still"]
    )
    for one in offered:
        asked = form(one.asked, own=own)["asked"]
        assert {name: asked[name] for name in one.asked} == one.asked, f"{one.title}: the form has chosen otherwise"
        fault = faults.parse(wanted(asked, "aa"))
        if own:
            faults.check_own(fault, "aa")


def test_what_strikes_everybody_is_asked_for_twice_and_what_strikes_one_booking_once() -> None:
    """Over all that the form offers: what does not stop at some bookings is dangerous."""
    calm = 0
    for service in OWNERS:
        for point, _ in form({"service": service})["points"]:
            for place in form({"service": service, "point": point})["places"]:
                for action in form({"service": service, "point": point, "place": place})["actions"]:
                    offered = form({"service": service, "point": point, "place": place, "action": action})
                    fault = faults.parse(wanted(offered["asked"], "aa"))
                    outage = (fault.point, fault.action) in faults.BY_CONTROL or fault.action == "down"
                    assert bool(offered["danger"]) == (
                        outage or fault.point == Point.PROCESS or place in faults.SANDBOX
                    )
                    assert offered["expect"], "what to expect is said of each"
                    calm += not offered["danger"]
    assert calm > 100
    everybody = {"service": "payments", "point": "transaction.committed", "action": "crash"}
    assert form({**everybody, "for": "any", "kind": "always"})["danger"]
    assert not form({**everybody, "for": "mine", "kind": "always"})["danger"]


def test_a_sentence_links_to_the_cell_of_the_matrix_that_breaks_the_same() -> None:
    cell = {"row": "forward: TakePayment", "on": "reply", "point": "bus", "action": "delay"}
    draw([cell])
    asked = {"service": "payments", "point": "bus", "action": "delay", "message": "TakePaymentReply"}
    assert form(asked)["cell"] == f"/matrix#{cell['id']}"


def test_a_visitor_ends_what_they_armed_and_an_operator_everything() -> None:
    fault = faults.parse({"point": "answer", "action": "refuse", "service": "payments"}, "visitor aa")
    listed = {**fault.as_dict(), "proofs": [], "held": [], "until": "", "told": True}

    def endable(by: str) -> bool:
        (group,) = groups([listed], by=by)
        return bool(group["chips"][0]["endable"])

    assert [endable(by) for by in ("", "visitor aa", "visitor bb", "visitor ")] == [True, True, False, False]
