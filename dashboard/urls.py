from django.urls import include, path

from dashboard import matrix
from dashboard.console import views as console
from dashboard.faults import views as faults
from dashboard.live.context import head
from dashboard.live.polling import entries
from dashboard.operate import views as operate
from dashboard.records import bookings, customers, sales, tickets
from dashboard.records.inspector import views as inspector
from dashboard.replay.diagram import views as diagram
from dashboard.replay.run import views as run
from dashboard.replay.runs import views as runs
from dashboard.stage import shop
from dashboard.stage import views as stage
from dashboard.stage.first_run import first_run
from gateway.api import api
from gateway.audit.verdict_api import bar
from lab.api import router as lab

api.add_router("/api", lab)

urlpatterns = [
    path("live/head", head, name="live-head"),
    path("live/entries", entries, name="live-entries"),
    path("", stage.index, name="index"),
    path("seats/differing", stage.differing, name="seats-differing"),
    path("opening", stage.opening, name="opening"),
    path("first-run", first_run, name="first-run"),
    path("verdict", bar, name="verdict"),
    path("bookings", bookings.page, name="bookings"),
    path("bookings/<uuid:booking>", inspector.page, name="inspector"),
    path("customers", customers.listing, name="customers"),
    path("customers/<int:customer>", customers.page, name="customer"),
    path("customers/<int:customer>/names", customers.names, name="customer-names"),
    path("customers/<int:customer>/rename", customers.rename, name="customer-rename"),
    path("tickets/<str:code>", tickets.page, name="ticket"),
    path("sales", sales.page, name="sales"),
    path("console", console.page, name="console"),
    path("console/run", console.execute, name="console-run"),
    path("bookings/recent", stage.recent, name="recent"),
    path("bookings/newest/panel", stage.newest, name="newest"),
    path("bookings/<uuid:booking>/panel", stage.panel, name="panel"),
    path("bookings/<uuid:booking>/entries/<int:pos>", stage.entry, name="entry"),
    path("bookings/<uuid:booking>/cancel", operate.cancel, name="cancel"),
    path("matrix", matrix.page, name="matrix"),
    path("matrix/grid", matrix.grid, name="matrix-grid"),
    path("matrix/start", matrix.start, name="matrix-start"),
    path("operate", operate.page, name="operate"),
    path("operate/work", operate.work, name="operate-work"),
    path("operate/sagas/<uuid:booking>/<slug:verb>", operate.act_on_saga, name="operate-saga"),
    path("operate/letters/<slug:service>/<slug:verb>", operate.settle_letters, name="operate-letters"),
    path("operate/letters/<slug:service>/<uuid:letter>/<slug:verb>", operate.act_on_letter, name="operate-letter"),
    path("replay", runs.page, name="replay"),
    path("replay/runs", runs.listing, name="replay-runs"),
    path("replay/start", runs.start, name="replay-start"),
    path("replay/imports/<uuid:id>", runs.importing, name="replay-import"),
    path("replay/diagram", diagram.page, name="replay-diagram"),
    path("replay/<uuid:run>", run.run, name="replay-run"),
    path("replay/of", run.of, name="replay-of"),
    path("replay/check", run.check_live, name="replay-check-live"),
    path("replay/<uuid:run>/moment", run.moment, name="replay-moment"),
    path("replay/<uuid:run>/schedule", run.schedule, name="replay-schedule"),
    path("replay/<uuid:run>/check", run.check, name="replay-check"),
    path("replay/<uuid:run>/delete", runs.delete, name="replay-delete"),
    path("replay/<uuid:run>/stop", runs.stop, name="replay-stop"),
    path("replay/<uuid:run>/rename", runs.rename, name="replay-rename"),
    path("book", shop.book, name="book"),
    path("faults", faults.faults, name="faults"),
    path("faults/<str:name>", faults.toggle, name="toggle"),
    path("rail/form", faults.arm_form, name="arm-form"),
    path("rail/outages", faults.outages, name="outages"),
    path("rail/arm", faults.arm, name="arm"),
    path("rail/clear", faults.clear, name="clear-all"),
    path("rail/clear/<slug:fault>", faults.clear, name="clear"),
    path("rail/resume/<slug:fault>", faults.resume, name="resume"),
    path("rail/mechanisms", faults.mechanisms, name="mechanisms"),
    path("rail/mechanisms/<slug:name>", faults.mechanism, name="mechanism"),
    path("rail/mechanisms/<slug:name>/on", faults.mechanism_on, name="mechanism-on"),
    path("rail/mechanisms/<slug:name>/try", faults.mechanism_try, name="mechanism-try"),
    path("rail/operator", faults.sign_in, name="sign-in"),
    path("lab", include("lab.urls")),
    path("", api.urls),
]
