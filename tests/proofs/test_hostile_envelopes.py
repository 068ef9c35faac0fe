"""Whatever lies on a queue, its worker lives on, and nothing is written but the dead letter that keeps it."""

import os
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from faults.messages import COMMANDS
from tests.house import SERVICES, House
from tests.messages import new_id

pytestmark = pytest.mark.django_db(databases=list(SERVICES))
EXAMPLES = int(os.environ.get("PROOFS_EXAMPLES", "20"))  # of a batch, for each service
TYPES = [
    *(command for commands in COMMANDS.values() for command in commands),
    "BookTickets",
    "TakePaymentReply",
    "Nonsense",
]
# As a JSON parser gives them: NUL, half a surrogate pair and numbers past every column are all possible.
TEXT = st.one_of(st.text(max_size=12), st.sampled_from(["\x00", "\ud800", "é" * 40, "' or 1=1; --", "tok_visa", "A-1"]))
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.uuids().map(str))
JSON = st.recursive(
    SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
NAMES = (
    "booking_id",
    "performance_id",
    "seats",
    "amount",
    "currency",
    "customer_id",
    "payment_method",
    "status",
    "reason",
)
DATA = st.one_of(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), JSON)
ENVELOPE = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {
            "specversion": st.just("1.0"),
            "id": st.one_of(st.builds(new_id), JSON),
            "source": st.one_of(st.just("/booking"), JSON),
            "type": st.one_of(st.sampled_from(TYPES), JSON),
            "kind": st.one_of(st.sampled_from(["command", "reply", "event"]), JSON),
            "data": DATA,
        },
        optional={
            "sagaid": st.one_of(st.uuids().map(str), JSON),
            "correlationid": JSON,
            "sagastep": st.one_of(st.sampled_from(TYPES), JSON),
            "sagaaction": st.one_of(st.sampled_from(["forward", "compensation", "fence"]), JSON),
            "time": JSON,
            "version": JSON,
        },
    ),
)


def counts(service: str) -> dict[str, int]:
    """Rows of each table, dead letters left out."""
    models = [model for model in apps.get_app_config(service).get_models() if model.__name__ != "DeadLetter"]
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.mark.parametrize("service", SERVICES)
def test_no_envelope_kills_a_worker_or_writes(house: House, service: str) -> None:
    handle = import_module(f"{service}.commands").handle
    before = counts(service)

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(batch=st.lists(ENVELOPE, min_size=1, max_size=3))
    def send(batch: list[Any]) -> None:
        with transaction.atomic(using=service):
            handle(batch)
            found = counts(service)
            # A compensation or fence of a saga nobody has heard of is answered, as it must be; nothing else is written.
            assert {name: found[name] for name in found if name not in ("Outbox", "Barrier")} == {
                name: before[name] for name in before if name not in ("Outbox", "Barrier")
            }
            transaction.set_rollback(True, using=service)

    send()


def test_half_a_surrogate_pair_is_a_dead_letter_and_no_death(house: House) -> None:
    """JSON can carry what no database stores; the worker used to die of keeping it."""
    handle = import_module("seats.commands").handle
    for text in ("\ud800", "\x00"):
        handle(
            [{"id": new_id(), "type": text, "kind": "command", "source": "/x", "data": {"seats": [text, float("nan")]}}]
        )
    letters = apps.get_model("seats", "DeadLetter").objects.all()
    assert [(letter.type, letter.envelope["data"]) for letter in letters] == [
        ("\ufffd", {"seats": ["\ufffd", "nan"]})
    ] * 2
