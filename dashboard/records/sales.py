"""The page /sales: the sales view, by performance."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from dashboard.away import says_when_away
from dashboard.gauges import lags_of_page
from projections import sums


@require_GET
@ensure_csrf_cookie
@says_when_away
def page(request: HttpRequest) -> HttpResponse:
    """The whole page, or for htmx the table alone. `?lab=1`: with the lab's halls."""
    lab = request.GET.get("lab") == "1"
    rows = [{**row, "kept": row["taken"] - row["refunded"]} for row in sums.sales(lab)]
    lag = next(one for one in lags_of_page() if one["view"] == "sales")
    template = "records/sales.html"
    context = {"rows": rows, "lag": lag, "lab": lab}
    return render(request, f"{template}#table" if request.htmx else template, context)  # type: ignore[attr-defined]
