"""What is derived from contracts and definitions of sagas, held both ways: nothing is missing, and nothing is too much."""

import re
from importlib import import_module
from inspect import isclass
from typing import get_args

import pytest
from django.apps import apps

import seats.contract
import tickets.contract
from audit.blame import KINDS
from booking.orchestrator import inbound
from booking.saga import state
from booking.saga.definition import Step
from booking.saga.definitions import DEFINITIONS
from config.house import HOUSE
from drawing.lanes.wording import ASKED, ONCE, UNDOING
from drawing.steps import STEPS, UNDONE_BY
from faults.catalogue import REASONS, reasons
from faults.messages import COMMANDS, EVENTS
from faults.messages import STEPS as REFUSABLE
from gateway.bodies import most_seats
from messaging.message import Body, Command, Event, Fence, Report
from projections.views import VIEWS
from topology import Service, TopologyError
from topology.contract import contract, publisher
from topology.sagas import ENDED, leaving, sagas_of, states
from topology.shown import shown_of

ALL_STEPS = [step for definition in DEFINITIONS.values() for step in definition.steps]
each_service = pytest.mark.parametrize("service", HOUSE.services, ids=lambda service: service.name)
each_participant = pytest.mark.parametrize("service", HOUSE.participants, ids=lambda service: service.name)


def sent_to(service: str, *roles: str) -> set[str]:
    found = [getattr(step, role) for step in ALL_STEPS if step.service == service for role in roles]
    return {command.type() for command in found if command}


@each_participant
def test_a_contract_has_the_commands_that_sagas_send_and_handlers_take(service: Service) -> None:
    crossing = contract(service)
    commands = import_module(f"{service.module}.commands")
    taken = {command.body.type() for command in commands.validate.__self__.commands}
    assert {*crossing.commands, *crossing.fences} == set(COMMANDS[service.name]) == taken
    assert set(crossing.commands) == sent_to(service.name, "forward", "compensation")
    assert set(crossing.fences) == sent_to(service.name, "fence")


def test_the_orchestrator_reads_its_commands_and_the_participants_reports() -> None:
    reports = {report for service in HOUSE.participants for report in contract(service).reports}
    assert {*contract(HOUSE.orchestrator).commands, *reports} == set(inbound._READERS)


def test_every_event_is_for_some_view_and_views_know_no_other() -> None:
    known = {event for view in VIEWS.values() for event in view.events}
    assert {(service, event) for service, events in EVENTS.items() for event in events} == known


@each_service
def test_a_body_without_a_kind_is_part_of_a_message(service: Service) -> None:
    module = import_module(service.contract)
    bodies = [
        one
        for one in vars(module).values()
        if isclass(one) and issubclass(one, Body) and one.__module__ == module.__name__
    ]
    messages = [one for one in bodies if issubclass(one, Command | Event)]
    assert all(one.kind for one in messages)
    parts: set[object] = {base for one in messages for base in one.__mro__}
    parts |= {part for one in bodies for field in one.model_fields.values() for part in _types(field.annotation)}
    assert {one.__name__ for one in bodies if one not in parts} - {"Reply"} == set()  # a reply answers any command


def _types(annotation: object) -> set[object]:
    return {annotation}.union(*(_types(one) for one in get_args(annotation)))


def test_kinds_are_what_they_are_called() -> None:
    assert [one.kind for one in (Body, Command, Fence, Report, Event)] == ["", "command", "fence", "report", "event"]


@each_service
def test_what_an_auditor_is_told_comes_from_the_tables_that_are_declared(service: Service) -> None:
    told = import_module(f"{service.module}.truth").TRUTH
    tables = {kind: re.findall(r"\bfrom (\w+)", select)[-1] for kind, select in told.items()}
    assert tables == service.truth == KINDS[service.name]


def test_bookkeeping_and_followed_tables_are_there_and_no_other_keeps_books() -> None:
    models = {
        model._meta.db_table: model for app in HOUSE.app_aliases for model in apps.get_app_config(app).get_models()
    }
    assert HOUSE.followed < models.keys()
    kept = {name for name in models if name.endswith(("checkpoint", "_barrier", "_idempotencykey", "_sagalog"))}
    assert kept == HOUSE.bookkeeping


@pytest.mark.parametrize("service", HOUSE.every_service, ids=lambda service: service.name)
def test_what_pages_show_of_a_service_is_there(service: Service) -> None:
    models = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for app in HOUSE.app_aliases
        for model in apps.get_app_config(app).get_models()
    }
    room = shown_of(service)
    for table, columns in room.columns.items():
        assert table.startswith(f"{service.app}_")
        assert set(columns) <= models[table]
    truth = {kind: table for one in HOUSE.every_service for kind, table in one.truth.items()}
    for copy in room.copies:
        assert service in HOUSE.views
        assert {copy.column, copy.by} - {""} <= models[copy.table]
        assert {"version", copy.by} - {""} <= models[truth[copy.kind]]
    if service in HOUSE.services:
        crossing = contract(service)
        taken = {*crossing.commands, *crossing.fences, *crossing.reports, "orchestrator"}
        assert {what.partition(" ")[0] for what in room.work} <= taken


def test_a_table_that_names_a_booking_otherwise_has_that_column_and_no_booking_id() -> None:
    models = {
        model._meta.db_table: model for app in HOUSE.app_aliases for model in apps.get_app_config(app).get_models()
    }
    for table, column in HOUSE.booking_columns.items():
        columns = {field.column for field in models[table]._meta.concrete_fields}
        assert column in columns
        assert "booking_id" not in columns


def test_steps_are_drawn_as_the_sagas_define_them() -> None:
    assert {
        name: [(verb + noun, service, kind) for verb, noun, service, kind in steps] for name, steps in STEPS.items()
    } == {
        name: [(step.name, step.service, step.kind) for step in definition.steps]
        for name, definition in DEFINITIONS.items()
    }
    assert STEPS["BookTickets"][0] == ("Reserve", "Seats", "seats", "compensatable")


def test_what_undoes_is_every_compensation_and_every_step_of_a_cancellation() -> None:
    undo: dict[str, Step] = {step.compensation.type(): step for step in ALL_STEPS if step.compensation}
    assert {command: step.name for command, step in undo.items()} == {undone: by for by, undone in UNDONE_BY.items()}
    assert set(UNDOING) == {"ReleaseSeats", "RefundPayment", "VoidTickets"}
    assert set(undo) | {step.name for step in DEFINITIONS["CancelBooking"].steps} == set(UNDOING)


def test_a_bookings_states_are_those_of_its_sagas() -> None:
    """Both as pages have always listed them."""
    assert set(leaving(sagas_of(HOUSE))) == {"COMPENSATING", "CANCELLING", "CANCELLED"}
    assert states(sagas_of(HOUSE)) == (
        *("PENDING", "RESERVING", "PAYING", "ISSUING", "CONFIRMING", "CONFIRMED"),
        *("COMPENSATING", "CANCELLING", "CANCELLED", "STUCK"),
    )


def test_a_saga_has_ended_where_its_engine_says_so() -> None:
    assert ENDED == state.ENDED


def test_what_a_person_asks_for_has_words() -> None:
    """All that the orchestrator takes by itself, but for what the watchdog says."""
    assert set(ASKED) == set(contract(HOUSE.orchestrator).commands) - {"SagaOverdue"}
    assert set(ONCE) <= set(ASKED)


def test_what_can_be_refused_is_every_command_but_fences() -> None:
    fences = {fence for service in HOUSE.participants for fence in contract(service).fences}
    assert set(REFUSABLE) == {command for commands in COMMANDS.values() for command in commands} - fences
    assert fences == {"FenceTickets", "FenceVoidTickets"}


@each_participant
def test_a_contract_names_each_reason_of_its_service_and_no_other(service: Service) -> None:
    declared = [reason for reasons in contract(service).refusals.values() for reason in reasons]
    assert declared == [str(reason) for reason in import_module(service.contract).Refusal]
    assert set(contract(service).refusals) <= set(contract(service).commands)


@each_participant
def test_every_step_that_can_be_refused_has_a_reason_to_offer(service: Service) -> None:
    made_up = {"RefundPayment": "refund_refused", "ReleaseSeats": "release_refused", "ConfirmSeats": "confirm_refused"}
    for command in contract(service).commands:
        assert reasons(service.name, command) == list(REASONS.get(command) or [made_up[command]])
    assert {reason for command in contract(service).commands for reason in reasons(service.name, command)} == set(
        reasons(service.name)
    )


def test_who_publishes_an_event_is_named_or_missed() -> None:
    assert publisher(HOUSE.services, "PerformanceAnnounced").name == "seats"
    with pytest.raises(TopologyError, match="no service publishes PerformanceForgotten"):
        publisher(HOUSE.services, "PerformanceForgotten")


def test_ticket_takes_as_many_seats_as_seat_reserves_and_booking_books() -> None:
    assert most_seats() == seats.contract.SEATS_A_BOOKING == tickets.contract.TICKETS_A_BOOKING


def test_a_service_without_its_contract_is_named() -> None:
    with pytest.raises(TopologyError, match=r"service .lost. has no contract lost\.contract"):
        contract(Service(name="lost", database="x", contract="lost.contract"))
