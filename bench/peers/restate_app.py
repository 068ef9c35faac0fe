"""The same three writes as a Restate service: three journaled steps. Served by Hypercorn, in the peers' environment."""

from typing import Any

import restate
from psycopg_pool import AsyncConnectionPool

from bench.peers.writes import WRITES, url_of

_pools: dict[str, AsyncConnectionPool[Any]] = {}
booking = restate.Service("booking")


async def write(database: str, number: int) -> None:
    if database not in _pools:
        pool = _pools[database] = AsyncConnectionPool(
            url_of(database), min_size=2, max_size=8, open=False, kwargs={"autocommit": True, "prepare_threshold": 0}
        )
        await pool.open(wait=True)
    async with _pools[database].connection() as connection:
        await connection.execute(WRITES[database].encode(), {"id": number})


@booking.handler()
async def book(ctx: restate.Context, number: int) -> str:
    for database in WRITES:
        await ctx.run_typed(database, write, database=database, number=number)
    return "CONFIRMED"


app = restate.app([booking])
