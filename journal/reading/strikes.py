"""Which bookings a fault struck, from the observations that the struck code left."""

from journal.database import JOURNAL

NEWEST = 2000
_STRUCK = """
    select distinct mention.correlation
    from (
        select pos from journal_entry
        where tape = 0 and observed = 'fault'
            and (%(action)s = '' or data -> 'data' ->> 'action' = %(action)s)
        order by pos desc limit %(limit)s
    ) strike join journal_mention mention on mention.tape = 0 and mention.pos = strike.pos
"""
_STRIKES = """
    select mention.correlation, array_agg(distinct entry.data -> 'data' ->> 'action')
    from journal_mention mention join journal_entry entry on entry.tape = 0 and entry.pos = mention.pos
    where mention.tape = 0 and mention.correlation = any(%s) and entry.observed = 'fault'
    group by mention.correlation
"""


def struck_bookings(action: str = "", limit: int = NEWEST) -> list[str]:
    """The bookings of the newest `limit` strikes of faults with this action; "": of any."""
    return [str(row[0]) for row in JOURNAL.rows(_STRUCK, {"action": action, "limit": limit})]


def faults_of(bookings: list[str]) -> dict[str, list[str]]:
    """The actions of the faults that struck each of these bookings, without those that were never struck."""
    return {row[0]: sorted(filter(None, row[1])) for row in JOURNAL.rows(_STRIKES, [bookings])} if bookings else {}
