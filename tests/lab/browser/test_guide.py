"""Each exhibit's guide, played as a person would: the test is the guide, so a guide cannot rot."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lab.exhibits import EXHIBITS, Exhibit
from lab.guide import Step
from tests.browser.test_accessible import violations
from tests.lab.conftest import change, rig_of
from tests.live import Live

pytestmark = pytest.mark.timeout(240)
PATIENCE = 60_000
each = pytest.mark.parametrize("exhibit", EXHIBITS.values(), ids=lambda exhibit: exhibit.name)


def play(page: Page, number: int, step: Step) -> None:
    expect(page.locator(f"#step-{number}")).to_have_attribute("aria-current", "step", timeout=PATIENCE)
    for selector in step.press:
        page.locator(selector).click()
    found = page.locator(step.selector)
    if step.count is None:
        expect(found).to_contain_text(step.says, timeout=PATIENCE)
    else:
        expect(found).to_have_count(step.count, timeout=PATIENCE)
    expect(page.locator(f"#step-{number}")).to_have_attribute("data-done", "", timeout=PATIENCE)


@each
def test_each_step_of_the_guide_does_what_it_says(live: Live, open_page: Callable[..., Page], exhibit: Exhibit) -> None:
    page = open_page(f"/lab/{exhibit.name}", outage=True)  # a guide may show a refusal, which a browser reports, too
    try:
        for number, step in enumerate(exhibit.guide, 1):
            play(page, number, step)
        expect(page.locator("#guide li[data-done]")).to_have_count(len(exhibit.guide))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert not violations(page), scheme
        for width in (390, 768, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{width} px wide"
    finally:
        live.http.delete("/api/faults")
        if rig_of(live, exhibit.rig)["state"] != "closed":
            change(live, exhibit.rig, "close")


def test_two_people_in_one_exhibit_know_of_each_other(live: Live, open_page: Callable[..., Page]) -> None:
    first = open_page("/lab/composition")
    open_page("/lab/composition")
    first.reload()
    expect(first.locator("#rig .rig-note")).to_contain_text(re.compile(r"\d+ others? in it"))


def test_the_lights_of_a_rig_that_is_started_change_by_themselves(live: Live, open_page: Callable[..., Page]) -> None:
    page = open_page("/lab/composition")
    expect(page.locator("#rig")).to_have_attribute("data-state", "closed")
    page.locator("#rig-begin").click()
    expect(page.locator("#rig")).to_have_attribute("data-state", "open", timeout=PATIENCE)
    expect(page.locator(".light")).to_contain_text("api-composer running, up in")
    page.locator("#rig-stop").click()
    if page.locator("#rig-stop[data-asking]").count():  # others of this module are still in it
        page.locator("#rig-stop").click()
    expect(page.locator("#rig")).to_have_attribute("data-state", "closed", timeout=PATIENCE)


def test_the_lab_s_first_page_leads_to_every_exhibit(open_page: Callable[..., Page]) -> None:
    page: Any = open_page("/lab")
    assert not violations(page)
    for exhibit in EXHIBITS.values():
        expect(page.locator(".cards").get_by_role("link", name=exhibit.title)).to_be_visible()
