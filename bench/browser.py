"""The stage in a real Chromium, with a probe in it: when each line was painted, how long each frame took, what was loaded."""

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 120_000
# A line counts as painted when the frame that drew it is: a message posted while a frame is made arrives after its layout and
# paint. Waiting for the next frame to begin, as an upper bound, would have the page make twice as many.
PROBE = """
window.probe = {positions: [], delays: [], frames: []};
document.addEventListener("DOMContentLoaded", () => {
  const log = document.getElementById("feed");
  new MutationObserver((changes) => {
    const lines = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.dataset?.pos);
    const painted = new MessageChannel();
    painted.port1.onmessage = () => {
      const now = Date.now();
      for (const line of lines) {
        probe.positions.push(Number(line.dataset.pos));
        if (!line.hasAttribute("data-bookkeeping")) probe.delays.push(now - Date.parse(line.dataset.committedAt));
      }
      painted.port1.close();
    };
    painted.port2.postMessage(0);
  }).observe(log, {childList: true});
});
"""
# The duration of frames is known only by requesting every one of them, which keeps a third of a core busy on a page
# where nothing moves: so this is done only where frames are measured.
FRAMES = """
let last = 0;
const tick = (now) => {
  if (last) probe.frames.push(now - last);
  last = now;
  requestAnimationFrame(tick);
};
requestAnimationFrame(tick);
"""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """`delays_ms`: commit to pixel of each line; `frames_ms`: between animation frames; `wrong`: entries missing or
    duplicated."""

    delays_ms: list[float]
    frames_ms: list[float]
    wrong: int


class Stage:
    """An open, live page."""

    def __init__(self, page: Page, weight: dict[str, int]) -> None:
        self._page, self._weight = page, weight
        self._began = 0

    def settle(self) -> None:
        """Wait until the page is loaded: the load time is measured separately from the delay of a line."""
        self._page.wait_for_load_state("networkidle")
        self._page.wait_for_timeout(500)

    def first_load(self) -> dict[str, int]:
        """Bytes over the wire by kind of resource, headers included, until the network fell silent."""
        self.settle()
        assert self._weight, "opened without `weigh`: nothing loaded would pass for little"
        return dict(self._weight)

    def stay_until(self, over: Callable[[], bool]) -> float:
        """Begin to count, and let the page run until the load is over; the seconds that took."""
        self._began = self._forget()
        began = time.perf_counter()
        while not over():
            self._page.wait_for_timeout(500)  # a check costs more than it seems: three processes wake up
        return time.perf_counter() - began

    def seen(self, until: int) -> Seen:
        """What was painted, once the page has come as far as `until`."""
        frames = self._page.evaluate("probe.frames.slice()")
        self._page.wait_for_function("until => Number(document.documentElement.dataset.cursor) >= until", arg=until)
        self._page.wait_for_function(
            "until => probe.positions.length && Math.max(...probe.positions.slice(-500)) >= until", arg=until
        )
        found: dict[str, Any] = self._page.evaluate("probe")
        wanted, got = set(range(self._began + 1, until + 1)), [pos for pos in found["positions"] if pos > self._began]
        wrong = len(wanted - set(got)) + len(got) - len(set(got))
        return Seen(delays_ms=found["delays"], frames_ms=frames, wrong=wrong)

    def _forget(self) -> int:
        """Forget what was painted; the cursor of that very moment: what is drawn between two questions would be missing."""
        forget = "for (const list of Object.values(probe)) list.length = 0; document.documentElement.dataset.cursor"
        return int(self._page.evaluate(forget) or 0)


@contextmanager
def opened(url: str, *, frames: bool = False, weigh: bool = False) -> Iterator[Stage]:
    """A Chromium of its own at `url`, once its socket is live. `frames`: measure each of them; `weigh`: what is loaded.

    Both have a cost: reports of loaded resources include each message of the socket, through three processes.
    """
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(PROBE + FRAMES if frames else PROBE)
        weight: dict[str, int] = defaultdict(int)
        if weigh:
            _weigh(page, weight)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.locator('#socket[data-state="live"]').wait_for()
        yield Stage(page, weight)
        browser.close()


def _weigh(page: Page, weight: dict[str, int]) -> None:
    """Add up what Chromium's network says it received."""
    kinds: dict[str, str] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"].lower()}))

    def finished(event: dict[str, Any]) -> None:
        weight[kinds.get(event["requestId"], "other")] += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
