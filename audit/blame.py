"""Finds the entry that broke an invariant: rebuilds the rows concerned from the journal, moment by moment."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from audit import history
from audit.truth import Answer, Row, Truth, Views
from journal.reading import row_origin
from journal.reading.row_origin import Blamed, Version
from journal.recording.summaries import BOOKING_COLUMN
from topology.chosen import HOUSE

Document = dict[str, Any]
KINDS = {service.name: service.truth for service in HOUSE.services if service.truth}
"""The rows that the services report to an auditor (their truth.py), and the tables they come from."""
OWNED = [table for kinds in KINDS.values() for table in kinds.values()]
SHOWN = ["projections_bookingview", "projections_historybooking", "projections_salesbooking", "projections_seatmap"]
BY_PLACE = ["seats_seat", "projections_seatmap", "projections_salesseat"]
BY_NAME = ["booking_customer", "projections_customer", "projections_historycustomer"]
LONG_AGO = "1970-01-01T00:00:00+00:00"


def blamed(violated: Sequence[tuple[str, Document]]) -> list[Blamed | None]:
    """For each (invariant, piece of its evidence), the first entry since which it is broken; None if the journal does
    not show it."""
    pieces = [piece for _, piece in violated]
    versions = _versions(pieces) if pieces else []
    return [_first(name, piece, _concerned(piece, versions)) for name, piece in violated]


def _versions(pieces: Sequence[Document]) -> list[Version]:
    found = row_origin.versions_of(sorted({one for piece in pieces for one in piece["bookings"]}), [*OWNED, *SHOWN])
    payments = {version.row["id"] for version in found if version.table == "payments_payment"}
    found += row_origin.versions_like([{"payment_id": payment} for payment in sorted(payments)], ["payments_refund"])
    views = [piece for piece in pieces if piece["part"]]
    places = {tuple(piece["seat"].split("/", 1)) for piece in views if piece["seat"]}
    found += row_origin.versions_like(
        [{"performance_id": performance, "label": label} for performance, label in sorted(places)], BY_PLACE
    )
    customers = {int(piece["part"].split()[-1]) for piece in views if not piece["seat"] and not piece["bookings"]}
    return found + row_origin.versions_like([{"id": customer} for customer in sorted(customers)], BY_NAME)


def _concerned(piece: Document, versions: list[Version]) -> list[Version]:
    """The bookings that a piece of evidence concerns. Rows that belong to no booking count for all."""
    return [one for one in versions if not one.booking or one.booking in piece["bookings"] or _is_at(piece, one.row)]


def _is_at(piece: Document, row: Row) -> bool:
    return bool(piece["seat"]) and f"{row.get('performance_id')}/{row.get('label')}" == piece["seat"]


def _first(name: str, piece: Document, versions: list[Version]) -> Blamed | None:
    pos = history.since(name, piece, _moments(versions))
    if pos is None:
        return None
    whose = {one.booking for one in versions if pos in (one.from_pos, one.to_pos)}
    return Blamed(pos, next((one for one in piece["bookings"] if one in whose), piece["booking"] or ""))


def _moments(versions: list[Version]) -> Iterator[tuple[int, Truth]]:
    changes = {one.from_pos for one in versions} | {one.to_pos for one in versions if one.to_pos is not None}
    for pos in sorted(changes):
        yield pos, truth([one for one in versions if one.from_pos <= pos < (one.to_pos or pos + 1)])


def truth(there: Sequence[Version]) -> Truth:
    """What the services and the views would have reported to an auditor, according to these rows."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for version in there:
        tables[version.table].append(_as_reported(version.table, version.row))
    answers = {
        service: Answer(meta={"at": LONG_AGO}, rows={kind: tables[table] for kind, table in kinds.items()})
        for service, kinds in KINDS.items()
    }
    return Truth(answers=answers, views=_views(tables))


def _as_reported(table: str, row: dict[str, Any]) -> Row:
    """A journaled row as its service reports it: under its booking, with only the columns that an auditor gets."""
    more: dict[str, Any] = {"booking_id": row.get(BOOKING_COLUMN.get(table, "booking_id"))}
    if table == "booking_saga":
        more |= {"last_at": None, "waived": None}
    elif table == "booking_idempotencykey":
        more["request"] = row["key"].split(" ", 1)[0]
    return {**row, **more}


def _views(tables: dict[str, list[Row]]) -> Views:
    def by(table: str, *columns: str) -> dict[Any, Row]:
        return {
            row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns): row for row in tables[table]
        }

    place = ("performance_id", "label")
    names = {"bookings": "projections_customer", "customer_history": "projections_historycustomer"}
    return Views(
        bookings=by("projections_bookingview", "id"),
        seats=by("projections_seatmap", *place),
        history=by("projections_historybooking", "id"),
        sales=by("projections_salesbooking", "id"),
        sales_seats=by("projections_salesseat", *place),
        names={(view, row["id"]): row for view, table in names.items() for row in tables[table]},
    )
