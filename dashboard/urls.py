from django.urls import path

from dashboard import matrix
from dashboard.console import views as console
from dashboard.faults import commands
from dashboard.live.context import head
from dashboard.live.polling import entries
from dashboard.operate import views
from dashboard.records import bookings, customers, inspector, sales, tickets
from dashboard.replay import pages as replay
from dashboard.replay import player
from dashboard.replay.diagram import page as diagram
from dashboard.stage import pages, shop
from dashboard.stage.first_run import first_run
from gateway.api import api
from gateway.audit.verdict_api import bar

urlpatterns = [
    path("live/head", head, name="live-head"),
    path("live/entries", entries, name="live-entries"),
    path("", pages.index, name="index"),
    path("opening", pages.opening, name="opening"),
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
    path("bookings/recent", pages.recent, name="recent"),
    path("bookings/newest/panel", pages.newest, name="newest"),
    path("bookings/<uuid:booking>/panel", pages.panel, name="panel"),
    path("bookings/<uuid:booking>/entries/<int:pos>", pages.entry, name="entry"),
    path("bookings/<uuid:booking>/cancel", views.cancel, name="cancel"),
    path("matrix", matrix.page, name="matrix"),
    path("matrix/grid", matrix.grid, name="matrix-grid"),
    path("matrix/start", matrix.start, name="matrix-start"),
    path("operate", views.page, name="operate"),
    path("operate/work", views.work, name="operate-work"),
    path("operate/sagas/<uuid:booking>/<slug:verb>", views.act_on_saga, name="operate-saga"),
    path("operate/letters/<slug:service>/<slug:verb>", views.settle_letters, name="operate-letters"),
    path("operate/letters/<slug:service>/<uuid:letter>/<slug:verb>", views.act_on_letter, name="operate-letter"),
    path("replay", replay.page, name="replay"),
    path("replay/runs", replay.listing, name="replay-runs"),
    path("replay/start", replay.start, name="replay-start"),
    path("replay/imports/<uuid:id>", replay.importing, name="replay-import"),
    path("replay/diagram", diagram.page, name="replay-diagram"),
    path("replay/<uuid:run>", replay.run, name="replay-run"),
    path("replay/of", player.of, name="replay-of"),
    path("replay/check", replay.check_live, name="replay-check-live"),
    path("replay/<uuid:run>/moment", player.moment, name="replay-moment"),
    path("replay/<uuid:run>/schedule", player.schedule, name="replay-schedule"),
    path("replay/<uuid:run>/check", replay.check, name="replay-check"),
    path("replay/<uuid:run>/delete", replay.delete, name="replay-delete"),
    path("replay/<uuid:run>/stop", replay.stop, name="replay-stop"),
    path("replay/<uuid:run>/rename", replay.rename, name="replay-rename"),
    path("book", shop.book, name="book"),
    path("faults", commands.faults, name="faults"),
    path("faults/<str:name>", commands.toggle, name="toggle"),
    path("rail/form", commands.arm_form, name="arm-form"),
    path("rail/outages", commands.outages, name="outages"),
    path("rail/arm", commands.arm, name="arm"),
    path("rail/clear", commands.clear, name="clear-all"),
    path("rail/clear/<slug:fault>", commands.clear, name="clear"),
    path("rail/go-on/<slug:fault>", commands.go_on, name="go-on"),
    path("rail/mechanisms", commands.mechanisms, name="mechanisms"),
    path("rail/mechanisms/<slug:name>", commands.mechanism, name="mechanism"),
    path("rail/operator", commands.sign_in, name="sign-in"),
    path("", api.urls),
]
