"""Many open pages: WebSocket clients in a separate process, each of which counts every entry it receives.

`python -m bench.pages URL COUNT` connects them from the journal's end, prints a line, waits for a position on its input, and when
every client has come so far prints as JSON what they saw.
"""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx
from websockets import Origin
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ROOT = Path(__file__).resolve().parent.parent
HEAD = re.compile(r'<data value="(\d+)" data-after="(\d+)"')
LINE = ' data-pos="'
PATIENCE_S = 120


class Pages:
    """The clients' process, as a context manager; leaving it ends them."""

    def __init__(self, url: str, count: int) -> None:
        self._command = [sys.executable, "-m", "bench.pages", url, str(count)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "connected"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def result(self, pos: int) -> dict[str, Any]:
        """{"pages", "entries" of one, "wrong": missing or duplicated in total, "dropped": connections lost,
        "megabytes"}."""
        output, _ = self._process.communicate(f"{pos}\n", timeout=PATIENCE_S + 10)
        found: dict[str, Any] = json.loads(output)
        return found


class _Page:
    def __init__(self, pos: int) -> None:
        self.began = self.pos = pos
        self.entries = self.wrong = self.bytes = 0
        self.dropped = False

    async def read(self, address: str, origin: str) -> None:
        try:
            async with connect(address, origin=Origin(origin), max_size=None, compression=None) as line:
                async for text in line:
                    self._take(str(text))
        except (ConnectionClosed, OSError):
            self.dropped = True

    def _take(self, text: str) -> None:
        head = HEAD.match(text)
        if head is None:  # has to reload: later entries are lost
            self.dropped = True
            return
        pos, after, lines = int(head[1]), int(head[2]), text.count(LINE)
        self.wrong += abs(after - self.pos) + abs(lines - (pos - after))
        self.pos, self.entries, self.bytes = pos, self.entries + lines, self.bytes + len(text)


async def _run(url: str, count: int) -> None:
    standing = httpx.get(f"{url}/live/head").json()
    query = httpx.QueryParams({"after": standing["pos"], "epoch": standing["epoch"], "log": "1"})
    address = f"{url.replace('http', 'ws', 1)}/ws/journal?{query}"
    pages = [_Page(standing["pos"]) for _ in range(count)]
    tasks = []
    for page in pages:
        tasks.append(asyncio.create_task(page.read(address, url)))
        await asyncio.sleep(0.005)
    print("connected", flush=True)
    until = int(await asyncio.to_thread(sys.stdin.readline))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while any(page.pos < until and not page.dropped for page in pages):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    for task in tasks:
        task.cancel()
    print(
        json.dumps(
            {
                "pages": count,
                "entries": until - standing["pos"],
                "wrong": sum(page.wrong + max(until - page.pos, 0) for page in pages),
                "dropped": sum(page.dropped for page in pages),
                "megabytes": sum(page.bytes for page in pages) / 1e6,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2])))
