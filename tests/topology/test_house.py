"""A house of parts: what it answers where one name is not the other, and what it refuses."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from config.house import HOUSE, PARTS
from projections.topology import VIEWS as DECLARED_VIEWS
from projections.views import VIEWS
from topology import Database, House, Instance, Kind, Part, Program, Rig, Service, TopologyError, part
from topology.programs import COMMON, of_service

SHOP = Instance(name="shop")
WARE = Database(
    alias="ware", instance="shop", apps=("goods", "vouchers"), name="wares", owner="keeper", readers=("web",)
)
GOODS = Service(name="stock", title="Stock", database="ware", contract="stock.contract", app="goods", orchestrates=True)
VOUCHERS = Service(
    name="vouchers", title="Voucher", database="ware", contract="vouchers.contract", queue="paper", slot="relay_vouchers",
    publication="outbox_vouchers",
)  # fmt: skip


def house(*things: Instance | Database | Service | Program | Rig) -> House:
    return House(part(*things))


def test_names_may_differ() -> None:
    made = house(SHOP, WARE, GOODS, VOUCHERS, *of_service(GOODS, WARE), *of_service(VOUCHERS, WARE, "HOLD_SECONDS"))
    assert made.app_aliases == {"goods": "ware", "vouchers": "ware"}
    assert made.database_of("stock") is made.database_of("vouchers") is WARE
    assert made.services_in("ware") == (GOODS, VOUCHERS)
    assert made.visible("stock") == made.visible("web") == made.visible("control") == ("ware",)
    assert made.visible("somebody") == ()
    assert made.orchestrator is GOODS
    assert made.participants == (VOUCHERS,)
    assert made.roles == ("keeper", "stock_relay", "vouchers_relay", "ware_console", "recorder", "web")
    assert (GOODS.outbox, GOODS.stream, GOODS.queue, VOUCHERS.queue) == (
        "goods_outbox",
        "events.stock",
        "stock",
        "paper",
    )
    worker = made.program("worker-vouchers")
    assert worker.keys[-4:] == ("DATABASE_URL_WARE", "LETTER_RETRY_S", "LETTER_LONGEST_RETRY_S", "HOLD_SECONDS")
    assert worker.command("py")[-9:-5] == ["-Q", "paper", "-n", "paper@%h"]


def test_a_table_belongs_to_the_app_with_the_longest_name_that_fits() -> None:
    both = replace(WARE, apps=("goods", "goods_returned"))
    returned = replace(VOUCHERS, name="returned", app="goods_returned")
    made = house(SHOP, both, GOODS, returned)
    owners = [made.owner("ware", table) for table in ("goods_item", "goods_returned_item", "django_migrations")]
    assert owners == ["stock", "returned", "stock"]


def test_a_key_of_everything_is_spelled_out() -> None:
    made = house(
        SHOP, WARE, GOODS, Program(name="all", kind=Kind.RECORDER, service="web", keys=("A", "API_URL_*", "*_PASSWORD"))
    )
    assert made.program("all").keys == (
        "A", "API_URL_STOCK", "KEEPER_PASSWORD", "STOCK_RELAY_PASSWORD", "WARE_CONSOLE_PASSWORD", "RECORDER_PASSWORD",
        "WEB_PASSWORD",
    )  # fmt: skip


OTHER = Database(alias="other", instance="shop", apps=("other",), journaled=False)
REFUSED = {
    "an instance twice": ((SHOP, SHOP), "more than once, instance: shop"),
    "a database twice": ((SHOP, WARE, WARE), "more than once, database: ware"),
    "an app in two databases": (
        (SHOP, WARE, Database(alias="b", instance="shop", apps=("goods",), slot="b")),
        "more than once, app in databases: goods",
    ),
    "a database's name twice on an instance": (
        (SHOP, WARE, Database(alias="b", instance="shop", apps=(), name="wares", slot="b")),
        "more than once, database name on instance 'shop': wares",
    ),
    "one slot for two logs": (
        (SHOP, WARE, Database(alias="b", instance="shop", apps=())),
        "more than once, replication slot on instance 'shop': recorder",
    ),
    "an unknown instance": ((OTHER,), "database 'other' is on instance 'shop', which nobody declares; there is none"),
    "a service twice": ((SHOP, WARE, GOODS, GOODS), "more than once, service: stock"),
    "a relay's slot twice": (
        (SHOP, WARE, GOODS, Service(name="vouchers", database="ware", contract="c", publication="other")),
        "more than once, replication slot on instance 'shop': relay",
    ),
    "a name of a service twice": (
        (SHOP, WARE, GOODS, Service(name="stock", database="ware", app="vouchers")),
        "more than once, service: stock",
    ),
    "a queue twice": (
        (SHOP, WARE, GOODS, Service(name="vouchers", database="ware", queue="stock")),
        "more than once, queue of services: stock",
    ),
    "a publication twice": (
        (SHOP, WARE, GOODS, Service(name="vouchers", database="ware", contract="c", slot="relay2")),
        "more than once, publication in database 'ware': outbox",
    ),
    "a service without a database": (
        (SHOP, WARE, Service(name="lost", database="", contract="lost.contract")),
        "service 'lost' is in no database; there is ware",
    ),
    "an unknown database": (
        (SHOP, WARE, Service(name="lost", database="nowhere")),
        "service 'lost' is in database 'nowhere', which nobody declares; there is ware",
    ),
    "a service whose tables are elsewhere": (
        (SHOP, WARE, Service(name="lost", database="ware")),
        "service 'lost' has its tables in app 'lost', which is none of the apps of database 'ware': goods, vouchers",
    ),
    "a program twice": (
        (SHOP, Program(name="redis", kind=Kind.REDIS)),
        "more than once, program: redis",
    ),
    "a program of nobody": (
        (SHOP, Program(name="worker-x", kind=Kind.WORKER, service="x")),
        "program 'worker-x' is of service 'x', which nobody declares",
    ),
    "a key of everything that there is not": (
        (SHOP, WARE, Program(name="a", kind=Kind.TIMER, service="keeper", keys=("URL_*",))),
        "program 'a' asks for URL_*; there is DATABASE_URL_*",
    ),
}


@pytest.mark.parametrize(("things", "why"), REFUSED.values(), ids=REFUSED)
def test_parts_that_do_not_fit_are_refused(things: tuple, why: str) -> None:
    with pytest.raises(TopologyError) as refused:
        house(*things)
    assert why in str(refused.value)


def test_a_part_of_something_else_is_refused() -> None:
    with pytest.raises(
        TopologyError, match="'seats' is neither an Instance, a Database, a Service, a Program nor a Rig"
    ):
        part("seats")  # type: ignore[arg-type]


@pytest.mark.parametrize("ask", ["service", "database", "program"])
def test_who_asks_for_what_is_not_there_is_told_what_is(ask: str) -> None:
    with pytest.raises(TopologyError, match=f"there is no {ask} 'nobody'; there is .*"):
        getattr(HOUSE, ask)("nobody")


def test_a_house_without_an_orchestrator_says_so_when_asked() -> None:
    with pytest.raises(TopologyError, match="one service has to orchestrate; none do"):
        _ = house(SHOP).orchestrator


def test_every_view_has_a_projector() -> None:
    assert set(DECLARED_VIEWS) == set(VIEWS)


def _started(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_the_house_is_read_without_django() -> None:
    """A container's health check reads it every ten seconds."""
    told = _started("import sys, topology.chosen; print('django' in sys.modules, 'celery' in sys.modules)")
    assert told.stdout.split() == ["False", "False"], told.stderr


def test_another_house_is_chosen_by_the_environment() -> None:
    script = "from topology.chosen import HOUSE; print(*HOUSE.aliases, *HOUSE.programs[-1].keys)"
    told = _started(script, SAGABOX_HOUSE="tests.topology.smaller").stdout.split()
    assert told[:5] == ["booking", "seats", "payments", "projections", "journal"]
    assert "SAGABOX_HOUSE" in told  # what it starts has to know


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no.such.house", "SAGABOX_HOUSE is 'no.such.house', and there is no module of that name"),
        ("config.pooling", "SAGABOX_HOUSE is 'config.pooling', which has no HOUSE of the type topology.House"),
    ],
)
def test_a_choice_that_is_no_house_is_refused(name: str, why: str) -> None:
    assert why in _started("import topology.chosen", SAGABOX_HOUSE=name).stderr


def test_parts_stay_in_their_order() -> None:
    assert [type(one) for one in PARTS] == [Part] * len(PARTS)
    assert [service.name for service in HOUSE.every_service] == [
        service.name for one in PARTS for service in one.services
    ]


def test_all_that_leans_on_an_instance_on_demand_is_on_demand() -> None:
    rare = replace(SHOP, on_demand=True)
    lone = Program(name="lone", kind=Kind.TIMER, service="web", on_demand=True)
    made = house(rare, WARE, GOODS, VOUCHERS, *of_service(GOODS, WARE), *of_service(VOUCHERS, WARE), lone)
    assert [program.name for program in made.standing] == ["redis", "control"]
    own = ("relay-vouchers", "worker-vouchers", "api-vouchers")
    assert {name: tuple(one.name for one in programs) for name, programs in made.startable.items()} == {
        "stock": ("postgres-shop", "relay-stock", "worker-stock", "api-stock"),
        "vouchers": ("postgres-shop", *own),
        "postgres-shop": ("postgres-shop",),
        **{
            f"{kind}-{name}": ("postgres-shop", f"{kind}-{name}")
            for kind in ("relay", "worker", "api")
            for name in ("stock",)
        },
        **{name: ("postgres-shop", name) for name in own},
        "lone": ("lone",),
    }
    assert made.profiles(made.program("postgres-shop")) == ("stock", "vouchers")
    assert made.profiles(made.program("api-stock")) == ("stock",)
    assert made.profiles(made.program("lone")) == ("lone",)


def test_an_instance_on_demand_has_a_set_up_of_its_own_with_its_passwords_alone() -> None:
    other, till = Instance(name="other"), Database(alias="till", instance="other", apps=("till",))
    made = house(replace(SHOP, on_demand=True), WARE, GOODS, other, till, *of_service(GOODS, WARE))
    (init,) = made.inits
    assert (init.name, init.ends, init.service) == ("init-shop", True, "control")
    assert init.arguments[-2:] == ("--instance", "shop")
    given = set(init.keys) - set(COMMON)
    assert given == {
        "ADMIN_URL_SHOP", "DATABASE_URL_WARE", "KEEPER_PASSWORD", "STOCK_RELAY_PASSWORD", "WARE_CONSOLE_PASSWORD",
        "RECORDER_PASSWORD", "WEB_PASSWORD",
    }  # fmt: skip
    assert init.name not in [program.name for program in made.programs]


ASKER = Service(name="asker", module="somewhere")
ASKING = Program(name="api-asker", kind=Kind.API, service="asker", arguments=("x",), on_demand=True)


def test_a_service_without_tables_has_an_api_and_no_database() -> None:
    made = house(SHOP, WARE, GOODS, *of_service(GOODS, WARE), ASKER, ASKING)
    assert "asker" in [service.name for service in made.apis]
    assert made.visible("asker") == ()
    assert "asker" not in made.instance_of
    assert made.startable == {"api-asker": (made.program("api-asker"),)}


def test_a_rig_is_what_its_programs_take_opened_under_its_name() -> None:
    rare = replace(SHOP, on_demand=True)
    rig = Rig(name="asking", programs=("api-asker", "relay-stock"))
    made = house(rare, WARE, GOODS, *of_service(GOODS, WARE), ASKER, ASKING, rig)
    assert [one.name for one in made.startable["asking"]] == ["postgres-shop", "relay-stock", "api-asker"]
    assert made.profiles(made.program("api-asker")) == ("asking",)
    assert made.rig("asking") is rig


@pytest.mark.parametrize(
    ("rig", "said"),
    [
        (
            Rig(name="asking", programs=("api-asker", "worker-stock")),
            "rig 'asking' has worker-stock, which is not on demand",
        ),
        (Rig(name="asking", programs=("api-nobody",)), "rig 'asking' has api-nobody, which is not on demand"),
        (Rig(name="api-asker", programs=("api-asker",)), "declared more than once, rig: api-asker"),
    ],
)
def test_a_rig_has_a_name_of_its_own_and_programs_on_demand(rig: Rig, said: str) -> None:
    with pytest.raises(TopologyError, match=re.escape(said)):
        house(SHOP, WARE, GOODS, *of_service(GOODS, WARE), ASKER, ASKING, rig)
