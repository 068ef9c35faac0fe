"""The API's documentation page fits a phone, has a way back and sections, and brings nothing from elsewhere."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("dashboard.urls")


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
