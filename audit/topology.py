"""The auditor's part of the house. It owns no database: it asks the services' APIs, and may read the views and the journal."""

from topology.parts import Kind, Program, part
from topology.programs import COMMON, manage

AUDITOR = Program(
    name="auditor",
    kind=Kind.AUDITOR,
    service="auditor",  # its role, too, in the databases it may read
    arguments=manage("audit", "--host", "{host}", "--port", "{port}"),
    keys=(
        *COMMON,
        "DATABASE_URL_PROJECTIONS",
        "DATABASE_URL_JOURNAL",
        "API_URL_*",
        "OPERATOR_TOKEN",
        "AUDIT_EVERY_S",
    ),
    yields=True,
)
PART = part(AUDITOR)
