"""The journal and the read models as pages and GETs may read them: every result is masked for the present viewer (see
`privacy`).

Code that shows rows to a person reads them only through this module; tests/gateway/test_privacy.py checks that.
"""

from gateway.people.privacy import private
from journal.reading import moments, queries
from projections import queries as views
from projections import searching

entries_of = private(queries.entries_of)
entries_after = private(queries.entries_after)
latest = private(queries.latest)
rows_at = private(moments.rows_at)

booking = private(views.booking)
bookings = private(searching.bookings)
bookings_of = private(views.bookings_of)
customers = private(views.customers, table="projections_customer")
recent_bookings = private(views.recent_bookings)
ticket = private(views.ticket)
