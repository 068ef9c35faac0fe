"""The journal's part of the house: a database on the read models' instance, its recorder, and the API of its runs."""

from topology.parts import Database, Kind, Program, Service, part
from topology.programs import COMMON, UVICORN, manage

SERVICE = Service(name="journal", database="journal", statement_s=60.0)  # imports whole runs
# The server disconnects a client that stops reading an export; if that fails, this limit does.
SETTINGS = {"idle_in_transaction_session_timeout": "60s"}
DATABASE = Database(
    alias="journal",
    instance="projections",
    apps=("journal",),
    readers=("web", "auditor"),
    settings=SETTINGS,
    journaled=False,
)
RECORDER = Program(
    name="recorder",
    kind=Kind.RECORDER,
    service=SERVICE.name,
    arguments=manage("record"),
    keys=(*COMMON, DATABASE.url, "REPLICATION_URL_*", "JOURNAL_KEEP_ENTRIES", "JOURNAL_KEEP_BYTES"),
    yields=True,
)
API = Program(
    name="api-journal",
    kind=Kind.API,
    service=SERVICE.name,
    arguments=UVICORN,
    keys=(*COMMON, DATABASE.url, "OPERATOR_TOKEN", "VISITOR_RUN_S"),
    yields=True,
)
PART = part(DATABASE, SERVICE, RECORDER, API)
