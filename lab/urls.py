"""The addresses of the lab's pages, below /lab."""

from django.urls import path

from lab import pages
from lab.reads import browser
from lab.reads import pages as reads
from lab.reads.replicas import pages as replicas

urlpatterns = [
    path("", pages.index, name="lab"),
    path("/comparison", pages.comparison, name="lab-comparison"),
    path("/measure", pages.measure_all, name="lab-measure-all"),
    path("/net/composed", browser.net_composed, name="lab-net-composed"),
    path("/net/<slug:part>", browser.net, name="lab-net"),
    path("/composition/ask", reads.ask, name="lab-composition-ask"),
    path("/composition/outage", reads.outage, name="lab-composition-outage"),
    path("/composition/subject", browser.subject, name="lab-composition-subject"),
    path("/composition/draw", browser.draw, name="lab-composition-draw"),
    path("/replicas/ask", replicas.ask, name="lab-replicas-ask"),
    path("/replicas/copies", replicas.copies, name="lab-replicas-copies"),
    path("/replicas/rename", replicas.rename, name="lab-replicas-rename"),
    path("/replicas/switch", replicas.switch, name="lab-replicas-switch"),
    path("/replicas/hand-over", replicas.hand_over, name="lab-replicas-hand-over"),
    path("/replicas/write", replicas.write, name="lab-replicas-write"),
    path("/replicas/rebuild", replicas.rebuild, name="lab-replicas-rebuild"),
    path("/<slug:exhibit>", pages.page, name="exhibit"),
    path("/<slug:exhibit>/standing", pages.standing, name="exhibit-standing"),
    path("/<slug:exhibit>/rig/<slug:verb>", pages.change, name="exhibit-rig"),
    path("/<slug:exhibit>/price", pages.price, name="exhibit-price"),
    path("/<slug:exhibit>/measure", pages.measure, name="exhibit-measure"),
]
