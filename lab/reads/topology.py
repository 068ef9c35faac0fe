"""The part of the house that asks across services: a process that only composes what the services' APIs answer."""

from topology.parts import Kind, Program, Rig, Service, part
from topology.programs import COMMON, UVICORN

COMPOSER = Service(name="composer", module="lab.reads")
API = Program(
    name="api-composer",
    kind=Kind.API,
    service=COMPOSER.name,
    arguments=UVICORN,
    keys=(*COMMON, "API_URL_*"),
    on_demand=True,
)
RIG = Rig(name="reads", programs=(API.name,))
PART = part(COMPOSER, API, RIG)
