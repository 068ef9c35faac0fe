"""What several tests of the page do: choose a seat, place a booking to its end; and how long they wait."""

from playwright.sync_api import Locator, Page, expect

from tests.live import Live

PATIENCE = 30_000


def choose(page: Page, label: str) -> None:
    page.locator(f'#seats .seat[data-label="{label}"]').click()
    expect(page.locator("#chosen")).to_contain_text(label)


def newest(live: Live) -> str:
    """A booking, from start to end."""
    booking = live.place(live.free_seats(1), "concert-2024")
    live.ended(booking)
    return booking


def twice(button: Locator) -> None:
    """Press a button that asks before it does what cannot be undone."""
    button.click()
    expect(button).to_have_attribute("data-asking", "")
    button.click()
