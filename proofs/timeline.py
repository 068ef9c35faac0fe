"""A shrunk counter-example as a list of entries shaped like the journal's."""

from collections.abc import Callable, Iterable
from typing import Any

Entry = dict[str, Any]


class Timeline:
    """Entries {"pos", "kind", "service", "title", "correlations", "causes", "emits", "data"}, in order.

    `pos` counts from 1. `causes` and `emits` are ids of messages. `listener` is called with each new entry.
    """

    def __init__(self, listener: Callable[[Entry], object] = lambda entry: None) -> None:
        self.entries: list[Entry] = []
        self._listener = listener

    def record(
        self,
        kind: str,
        service: str,
        title: str,
        bookings: Iterable[str] = (),
        *,
        causes: Iterable[str] = (),
        emits: Iterable[str] = (),
        **data: Any,
    ) -> None:
        self.entries.append(
            {
                "pos": len(self.entries) + 1, "kind": kind, "service": service, "title": title,
                "correlations": list(filter(None, bookings)), "causes": list(causes), "emits": list(emits), "data": data,
            }
        )  # fmt: skip
        self._listener(self.entries[-1])

    def text(self) -> str:
        """One line an entry; bookings are numbered in the order in which they come up."""
        names: dict[str, str] = {}
        lines = []
        for entry in self.entries:
            who = [names.setdefault(one, f"booking {len(names) + 1}") for one in entry["correlations"]]
            more = " ".join(f"{name}={value}" for name, value in entry["data"].items() if value not in ("", None))
            parts = [
                f"#{entry['pos']:<3}",
                f"{entry['kind']:<10}",
                f"{entry['service']:<12}",
                entry["title"],
                more,
                *who,
            ]
            lines.append(" ".join(part for part in parts if part).rstrip())
        return "\n".join(lines)
