"""The API's documentation page fits a phone, has a way back and sections, and brings nothing from elsewhere. What it says of
a body that is forwarded is what the owning service checks it by."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from booking.schemas import BookingIn, CancelIn, Ended, RenameIn
from gateway.bodies import schema
from seats.schemas import PerformanceIn
from serving.dead_letter_api import Edit, Many
from topology import TopologyError
from topology.chosen import HOUSE
from topology.contract import request

pytestmark = pytest.mark.urls("dashboard.urls")
TAKEN = {
    ("post", "/api/bookings"): BookingIn,
    ("post", "/api/bookings/{booking_id}/cancel"): CancelIn,
    ("patch", "/api/customers/{customer_id}"): RenameIn,
    ("post", "/api/performances"): PerformanceIn,
    ("post", "/api/operator/sagas/{booking_id}/{verb}"): Ended,
    ("post", "/api/{service}/dead-letters/{what}"): Many,
    ("post", "/api/{service}/dead-letters/{letter_id}/{verb}"): Edit,
}


def test_the_page_fits_and_leads_back(client: Client) -> None:
    html = client.get("/api/docs", HTTP_HOST="localhost").content.decode()
    assert 'name="viewport" content="width=device-width' in html
    assert '<a href="/">' in html
    assert all(address.startswith("/") for address in re.findall(r'(?:src|href)="([^"]*)"', html))


def test_each_route_is_in_a_section(client: Client) -> None:
    paths = client.get("/api/openapi.json", HTTP_HOST="localhost").json()["paths"]
    tags = {tuple(route.get("tags", ())) for ways in paths.values() for route in ways.values()}
    assert () not in tags
    assert {("bookings",), ("performances",)} <= tags


@pytest.mark.parametrize(("where", "body"), TAKEN.items(), ids=lambda one: one[1] if isinstance(one, tuple) else "")
def test_a_body_that_is_forwarded_is_documented_by_its_owners_type(
    client: Client, where: tuple[str, str], body: Any
) -> None:
    method, path = where
    documented = client.get("/api/openapi.json", HTTP_HOST="localhost").json()["paths"][path][method]
    said = documented["requestBody"]["content"]["application/json"]["schema"]
    assert set(said["properties"]) == set(body.model_fields)
    required = {name for name, field in body.model_fields.items() if field.is_required()}
    assert set(said.get("required", ())) == required
    assert not list(_references(said))
    assert said == schema(body)


def test_limits_come_with_it(client: Client) -> None:
    paths = client.get("/api/openapi.json", HTTP_HOST="localhost").json()["paths"]
    booked = paths["/api/bookings"]["post"]
    properties = booked["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert (properties["seats"]["minItems"], properties["seats"]["maxItems"]) == (1, 8)
    assert properties["customer"]["maximum"] == 2**63 - 1
    assert properties["performance"]["pattern"] == r"^[a-z0-9](-?[a-z0-9])*$"
    seen = next(one for one in properties["seen"]["anyOf"] if "properties" in one)
    assert set(seen["required"]) == {"amount", "currency"}
    keys = [one["name"] for one in booked["parameters"] if one["in"] == "header"]
    assert keys == ["Idempotency-Key"]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (part["$ref"],) if "$ref" in part else ()
        part = list(part.values())
    for one in part if isinstance(part, list) else ():
        yield from _references(one)


def test_a_body_that_no_service_declares_is_named() -> None:
    with pytest.raises(TopologyError, match="service 'seats' takes no request LoanIn"):
        request(HOUSE.service("seats"), "LoanIn")
    with pytest.raises(TopologyError, match="service 'tickets' takes no request"):
        request(HOUSE.service("tickets"), "BookingIn")
