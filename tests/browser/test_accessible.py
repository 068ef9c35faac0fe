"""WCAG 2.2 AA, as far as axe-core can tell: each page there is, light and dark, without one violation."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dashboard.navigation import ENTRIES
from tests.live import Live

pytestmark = pytest.mark.timeout(180)
OPTIONS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PAGES = [text for _, text in ENTRIES if text != "API"]  # the API's page is a package's


def violations(page: Page) -> list[str]:
    found: dict[str, Any] = Axe().run(page, options=OPTIONS).response
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.fixture(scope="module")
def told(live: Live) -> str:
    """A booking with something of everything to show: a refusal and a compensation."""
    booking = live.place(live.free_seats(1), "concert-2024", method="tok_declined")
    live.ended(booking)
    return booking


@pytest.mark.parametrize("name", PAGES)
def test_each_page_in_both_schemes(name: str, browser: Browser, live: Live, told: str) -> None:
    page = browser.new_page(base_url=live.url, viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
    try:
        page.goto("/")
        link = page.get_by_role("navigation", name="Pages").get_by_role(
            "link", name=name, exact=True, include_hidden=True
        )
        page.goto(f"/?booking={told}" if name == "Stage" else str(link.get_attribute("href")))
        page.locator("main").wait_for()
        page.locator(".verdict-all").wait_for(timeout=20_000)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert not violations(page), scheme
            page.locator(".verdict-all > summary").click()
            assert not violations(page), f"{scheme}, with the promises open"
            page.keyboard.press("Escape")
    finally:
        page.close()


def test_axe_does_find_something(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(
        '<html lang="en"><title>t</title><main><img src="x.png"><p style="color:#bbb">pale</p></main></html>'
    )
    assert {line.split(":")[0] for line in violations(page)} >= {"image-alt", "color-contrast"}
    page.close()
