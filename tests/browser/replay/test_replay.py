"""The page of runs in a real browser: start, export, import with its progress, refuse what is broken, delete."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.standing import twice
from tests.live import Live
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def page(browser: Any, live: Live) -> Any:
    context = browser.new_context(base_url=live.url, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/replay")
    yield page
    context.close()
    assert not errors, errors


def test_a_run_is_started_carried_out_and_in_and_deleted(page: Page, live: Live, tmp_path: Path) -> None:
    page.locator("#run-name").fill("seen in a browser")
    page.locator("#run-seed").fill("11")
    page.get_by_role("button", name="Start").click()
    row = page.locator("#runs li", has_text="seen in a browser")
    expect(row).to_contain_text("recording")
    expect(row).to_contain_text("seed 11")
    live.ended(live.place(live.free_seats(1), "concert-2024"))
    export = f"/api/runs/{live.http.get('/api/runs').json()['runs'][0]['id']}/export"
    wait_until(lambda: "seats_seat" in live.http.get(export).text.partition("sagabox.entry")[2], 30, "it to be indexed")

    with page.expect_download() as download:
        row.get_by_role("link", name="Export").click()
    file = tmp_path / download.value.suggested_filename
    assert file.name.endswith(".sagabox.jsonl")
    download.value.save_as(file)

    page.locator("#import-file").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#import-answer")).to_have_text("Imported seen in a browser", timeout=20_000)
    copy = page.locator("#runs li[data-imported]", has_text="seen in a browser")
    expect(copy).to_have_count(1)
    expect(page.locator("#import-sent")).to_be_hidden()
    expect(page.locator("#import-progress")).to_be_empty()

    (tmp_path / "broken.jsonl").write_bytes(file.read_bytes().replace(b'"seed":"11"', b'"seed":"12"'))
    page.locator("#import-file").set_input_files(tmp_path / "broken.jsonl")
    page.get_by_role("button", name="Import").click()
    expect(page.locator("#import-answer")).to_contain_text("Not an export that can be read", timeout=20_000)
    expect(page.locator("#import-answer")).to_contain_text("the checksum is")
    expect(copy).to_have_count(1)

    page.locator("#import-answer").scroll_into_view_if_needed()
    copy.get_by_role("link", name="seen in a browser").click()
    expect(page.locator("#run-title")).to_contain_text("imported")
    expect(page.locator("main")).to_contain_text("seats_seat")
    page.go_back()
    twice(copy.locator("button[data-sure]"))
    expect(page.locator("#answer")).to_have_text("Deleted.")
    expect(copy).to_have_count(0)
