"""One entry of the journal as HTML: the partial that page, panel and socket share.

It is a function and not a template, because the socket renders a thousand lines a second: a template took eighteen
times as long. Every value is escaped here.
"""

from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe

Shown = dict[str, Any]
"""An entry as `drawing.present` shapes it."""


def line(entry: Shown, named: bool = True) -> SafeString:
    """`<li class="line">` of an entry; `named` gives it the id `e-<pos>`, which only the log may have."""
    name = f' id="e-{entry["pos"]}"' if named else ""
    meta = "observed, in no log" if entry["observation"] else f"xid {entry['xid']} · {_text(entry['lsn'])}"
    marks = " data-bookkeeping" if entry["bookkeeping"] else ""
    head = (
        f'<div class="line-head"><span class="service">{_text(entry["service_name"])}</span> '
        f'<strong>{_text(entry["title"])}</strong> <span class="meta">{meta} · #{entry["pos"]}</span></div>'
    )
    html = f'<li{name} class="line"{_attributes(entry)}{marks}>{head}{_changes(entry)}</li>'
    return mark_safe(html)  # noqa: S308


def bare(entry: Shown, named: bool = False) -> str:
    """The element for a page that does not show the entry: the panels that it concerns."""
    name = f' id="e-{entry["pos"]}" class="line" data-bookkeeping' if named else ""
    return f"<li{name}{_attributes(entry)}></li>"


def _attributes(entry: Shown) -> str:
    bookings = _text(" ".join(entry["correlations"]))
    return (
        f' data-pos="{entry["pos"]}" data-service="{_text(entry["service"])}" data-kind="{_text(entry["kind"])}"'
        f' data-bookings="{bookings}" data-committed-at="{_text(entry["committed_at"])}"'
        f"{' data-observation' if entry['observation'] else ''}"
    )


def _changes(entry: Shown) -> str:
    if not entry["shown"]:
        return ""
    more = f'<li class="more">and {entry["more"]} more rows</li>' if entry["more"] else ""
    return f'<ul class="changes">{"".join(map(_change, entry["shown"]))}{more}</ul>'


def _change(change: dict[str, Any]) -> str:
    message = change["message"]
    if message:
        to = f" → {_text(message['destination'])}" if message.get("destination") else ""
        html = f'<span class="kind">{_text(message["kind"])}</span> {_text(change["label"])}{to}'
    else:
        cells = "".join(_cell(cell, change["op"] == "update") for cell in change["cells"])
        gone = ' <span class="cell">deleted</span>' if change["op"] == "delete" else ""
        html = f'<span class="table">{_text(change["table"])}</span> <b>{_text(change["label"])}</b>{cells}{gone}'
    return f'<li class="change" data-op="{_text(change["op"])}">{html}</li>'


def _cell(cell: dict[str, Any], updated: bool) -> str:
    before = f"<s>{_text(cell['old'])}</s> " if updated else ""
    return f' <span class="cell">{_text(cell["column"])} {before}<em>{_text(cell["new"])}</em></span>'


def _text(value: Any) -> str:
    return escape(str(value))
