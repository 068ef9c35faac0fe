"""A service whose tables are in another one's database: who may log in, what is published, to whom an entry belongs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from config.house import PARTS, PAYMENTS
from config.router import OwnershipError, OwnershipRouter
from control.setup.provision import roles_of
from control.setup.publish import publish_database, readers_of
from dashboard.console.examples import examples
from journal.recording.transactions import read_transaction
from sandbox.running.environment import Environments
from sandbox.testing import url_of
from tests.journal.builders import insert, message, transaction
from topology import House, Service, part
from topology.house import password_key
from topology.programs import of_service

(OWN,) = PAYMENTS.databases
SHARED = replace(OWN, apps=("payments", "vouchers"))
VOUCHERS = Service(
    name="vouchers", title="Voucher", database="payments", contract="vouchers.contract", slot="relay_vouchers",
    publication="outbox_vouchers",
)  # fmt: skip
HOUSE = House(
    *(replace(PAYMENTS, databases=(SHARED,)) if one is PAYMENTS else one for one in PARTS),
    part(VOUCHERS, *of_service(VOUCHERS, SHARED)),
)
MESSAGE = "00000000-0000-7000-8000-000000000001"
TABLES = ("payments_payment", "payments_outbox", "vouchers_voucher", "vouchers_outbox", "somebody_else")


@pytest.fixture
def owner(servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A database with the tables of both, and of nobody."""
    monkeypatch.setattr("control.setup.publish.HOUSE", HOUSE)
    with psycopg.connect(url_of(servers, "payments", "payments", "payments"), autocommit=True) as connection:
        connection.execute("create database shared")
        try:
            with psycopg.connect(url_of(servers, "payments", "payments", "shared"), autocommit=True) as inside:
                for table in TABLES:
                    inside.execute(f"create table {table} (id int primary key)")
                yield inside
        finally:
            connection.execute("drop database shared")


def test_each_outbox_has_a_publication_and_the_journal_has_all(owner: psycopg.Connection) -> None:
    publish_database(owner, "payments")
    rows = owner.execute("select pubname, tablename from pg_publication_tables order by 1, 2").fetchall()
    assert rows == [
        ("journal", "payments_outbox"),
        ("journal", "payments_payment"),
        ("journal", "vouchers_outbox"),
        ("journal", "vouchers_voucher"),
        ("outbox", "payments_outbox"),
        ("outbox_vouchers", "vouchers_outbox"),
    ]
    assert readers_of("payments") == {"relay": "outbox", "relay_vouchers": "outbox_vouchers", "recorder": "journal"}
    whole = "select relname from pg_class where relkind = 'r' and relreplident = 'f' order by 1"
    assert owner.execute(whole).fetchall() == [("payments_payment",), ("vouchers_voucher",)]


def test_one_owner_and_a_relay_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.setup.provision.HOUSE", HOUSE)
    tails = {role.name: role.tails for role in roles_of("payments") if role.tails}
    assert tails == {"recorder": ("payments",), "payments_relay": ("payments",), "vouchers_relay": ("payments",)}
    assert [role.name for role in roles_of("payments") if role.owns] == ["payments"]


def test_its_processes_log_in_as_the_owner_and_its_relay_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.running.environment.HOUSE", HOUSE)
    ports = {program.name: 1 for program in HOUSE.programs}
    secrets = {password_key(role): role for role in ("postgres", "redis", *HOUSE.roles)}
    made = Environments(ports, secrets | {"SECRET_KEY": "", "OPERATOR_TOKEN": ""}, Path("/control"))
    relay = made.of_process(HOUSE.program("relay-vouchers"))
    assert relay["DATABASE_URL_PAYMENTS"].startswith("postgresql://payments:")
    assert relay["REPLICATION_URL_PAYMENTS"].startswith("postgresql://vouchers_relay:")
    own = made.of_process(HOUSE.program("relay-payments"))
    assert own["REPLICATION_URL_PAYMENTS"].startswith("postgresql://payments_relay:")
    recorder = made.of_process(HOUSE.program("recorder"))
    assert [key for key in recorder if key.startswith("REPLICATION")] == [
        one.replication_url for one in HOUSE.journaled
    ]


def test_a_model_is_in_the_database_that_has_its_app(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(HOUSE=HOUSE, SERVICE="vouchers", DATABASES={"payments": {}})
    monkeypatch.setattr("config.router.settings", settings)
    router = OwnershipRouter()
    assert router.db_for_read(_model("vouchers")) == router.db_for_write(_model("payments")) == "payments"
    assert router.allow_migrate("payments", "vouchers")
    assert not router.allow_migrate("payments", "seats")
    settings.DATABASES = {"seats": {}}
    with pytest.raises(OwnershipError, match="belongs to service 'vouchers'"):
        router.db_for_read(_model("vouchers"))


def _model(app: str) -> Any:
    return SimpleNamespace(_meta=SimpleNamespace(app_label=app, label=f"{app}.Thing"))


def test_an_entry_is_that_service_s_whose_tables_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.recording.transactions.HOUSE", HOUSE)
    sold = read_transaction(
        "payments", transaction(insert("vouchers_voucher", id="1"), message("vouchers", "event", "Sold", MESSAGE))
    )
    assert (sold.service, sold.source, len(sold.emits)) == ("vouchers", "payments", 1)
    paid = read_transaction("payments", transaction(insert("payments_payment", id="1")))
    assert (paid.service, paid.source) == ("payments", "payments")
    nobodys = read_transaction("payments", transaction(insert("somebody_else", id="1")))
    assert nobodys.service == "payments"


def test_a_service_that_nobody_wrote_examples_for_has_its_outbox_in_the_console(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.console.examples.HOUSE", HOUSE)
    found = {one.name: one.sql for one in examples("vouchers")}
    assert list(found) == ["outbox", "join", "join-bare", "write"]
    assert "from vouchers_outbox" in found["outbox"]
    assert found["write"] == "delete from vouchers_outbox;"
