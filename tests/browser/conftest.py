"""A real Chromium, the system's if there is one (the test command installs one where it is missing)."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.browser.live.test_socket import LISTEN, Wire
from tests.browser.standing import PATIENCE
from tests.live import Live

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return {**browser_type_launch_args, "args": QUIET, **({"executable_path": found} if found else {})}


@pytest.fixture
def open_page(browser: Browser, live: Live) -> Iterator[Any]:
    """Open the sandbox in a browser context of its own (another person); fails the test on any script or console error.

    With `outage=True` the test takes the server away, and the browser may complain about that on its console.
    """
    contexts, errors = [], []

    def open_one(path: str = "/", outage: bool = False, **options: Any) -> Page:
        context = browser.new_context(base_url=live.url, viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if not outage:
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(path)
        page.locator('#socket[data-state="live"]').wait_for(timeout=15_000)
        page.locator("#first-run").wait_for(state="detached", timeout=30_000)  # a fresh sandbox's own first booking
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def visit(browser: Browser, live: Live) -> Iterator[Callable[..., tuple[Page, Wire]]]:
    contexts = []

    def visit_one(path: str = "/", clock: bool = False, wire: Wire | None = None) -> tuple[Page, Wire]:
        context = browser.new_context(base_url=live.url, viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        wire = (wire or Wire()).lay(page)
        if clock:
            page.clock.install()
        page.goto(path)
        if not wire.broken:
            page.locator('#socket[data-state="live"]').wait_for(timeout=PATIENCE)
        expect(page.locator("#opening")).to_have_count(0, timeout=PATIENCE)  # else the page is loaded again soon
        page.locator("#first-run").wait_for(state="detached", timeout=PATIENCE)
        page.evaluate(LISTEN)
        return page, wire

    yield visit_one
    for context in contexts:
        context.close()


@pytest.fixture
def with_setting(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Callable[[str], Browser]]:
    """A browser in which one of Blink's settings is not the usual one."""
    browsers = []

    def launch(setting: str) -> Browser:
        arguments = [*browser_type_launch_args["args"], f"--blink-settings={setting}"]
        browsers.append(browser_type.launch(**{**browser_type_launch_args, "args": arguments}))
        return browsers[-1]

    yield launch
    for one in browsers:
        one.close()
