"""The front door's part of the house: the web process, which serves the pages and the API. It owns no database."""

from topology.parts import Kind, Program, part
from topology.programs import COMMON, SOCKET, UVICORN

WEB = Program(
    name="web",
    kind=Kind.PAGES,
    service="web",  # its role, too, in the databases it may read
    arguments=(*UVICORN, *SOCKET),
    keys=(
        *COMMON,
        "DATABASE_URL_PROJECTIONS",
        "API_URL_*",
        "DATABASE_URL_JOURNAL",
        "CONSOLE_URL_*",
        "API_URL_CONTROL",
        "API_URL_AUDITOR",
        "API_URL_JOURNAL",
        "RIG_API_URL_*",
        "OPERATOR_TOKEN",
        "PORT",
        "STATIC_ROOT",
        "FORWARDED_ALLOW_IPS",
    ),
)
PART = part(WEB)
