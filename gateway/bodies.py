"""How the front door documents a body that it forwards: by the type that the owning service validates it with."""

from typing import Any

from pydantic import BaseModel

from serving.doors.headers import IN_OPENAPI
from topology.chosen import HOUSE
from topology.contract import request


def request_of(service: str, name: str) -> type[BaseModel]:
    """A body that this service takes, by its name in the module that the service declares. Raises TopologyError."""
    return request(HOUSE.service(service), name)


def most_seats() -> int:
    """How many seats one booking takes."""
    found: int = schema(request_of(HOUSE.orchestrator.name, "BookingIn"))["properties"]["seats"]["maxItems"]
    return found


def takes(body: type[BaseModel], *, key: bool = False) -> dict[str, Any]:
    """OpenAPI of a request with this JSON body; with `key`, of the Idempotency-Key as well."""
    content = {"application/json": {"schema": schema(body)}}
    return {**(IN_OPENAPI if key else {}), "requestBody": {"required": True, "content": content}}


def schema(body: type[BaseModel]) -> dict[str, Any]:
    """Its JSON schema in one piece: OpenAPI could not resolve references to the schema's own definitions."""
    found = body.model_json_schema()
    defined = found.pop("$defs", {})

    def inlined(part: Any) -> Any:
        match part:
            case {"$ref": str(name)}:
                return inlined(defined[name.rpartition("/")[2]])
            case dict():
                return {name: inlined(one) for name, one in part.items()}
            case list():
                return [inlined(one) for one in part]
            case _:
                return part

    whole: dict[str, Any] = inlined(found)
    return whole
