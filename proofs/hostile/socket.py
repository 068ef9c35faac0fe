"""The page's socket: any query, any message. The server may disconnect; it must neither fail nor fall silent."""

from random import Random
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

PATH = "/ws/journal"
NASTY = ("", "-1", "0", "9" * 40, "null", "'; drop table journal_entry; --", "\x00", "é" * 300, "1e309", "[]", "{}")
INTERNAL_ERROR = 1011


def attack(url: str, cases: int, number: int) -> list[str]:
    """Connect and send `cases` times; returns the failures, as sentences."""
    dice = Random(number)  # noqa: S311 (dice of a game, to be thrown again)
    base = url.replace("http", "ws", 1)
    return [found for _ in range(cases) if (found := _one(base, url, dice))]


def _one(base: str, origin: str, dice: Random) -> str:
    query = "&".join(
        f"{name}={quote(dice.choice(NASTY))}" for name in dice.sample(("after", "epoch", "booking", "view", "zzz"), 3)
    )
    word = dice.choice(NASTY) if dice.random() < 0.5 else dice.randbytes(dice.randint(0, 3000))
    try:
        with connect(f"{base}{PATH}?{query}", origin=Origin(origin), open_timeout=20, close_timeout=5) as socket:
            socket.send(word)
            for _ in range(20):
                socket.recv(timeout=15)
        return f"{query}: it continues after {word[:40]!r}"
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else 0
        return f"{query}, {word[:40]!r}: closed with {code}" if code in (0, INTERNAL_ERROR) else ""
    except InvalidStatus as refused:
        status = refused.response.status_code
        return f"{query}: refused with {status}" if status >= 500 else ""
    except (TimeoutError, WebSocketException, OSError) as error:
        return f"{query}, {word[:40]!r}: {type(error).__name__}: {error}"
