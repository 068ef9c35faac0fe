"""The demo booking of an empty sandbox: asked for until everything is ready, and never when there is a booking."""

import uuid

import pytest
from django.test import RequestFactory

from dashboard.stage.first_run import first_run
from projections.models import BookingView

pytestmark = pytest.mark.django_db(databases=["projections", "journal"])


def ask() -> int:
    return first_run(RequestFactory().post("/first-run")).status_code


def test_not_yet_while_a_part_is_not_ready() -> None:
    assert ask() == 204  # no service runs beside this test


def test_no_need_once_there_is_a_booking() -> None:
    BookingView.objects.create(id=uuid.uuid4(), booking_version=1, state="PENDING")
    assert ask() == 200
