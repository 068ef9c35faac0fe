from django.urls import path

from dashboard import commands, pages
from dashboard.api import api

urlpatterns = [
    path("", pages.index, name="index"),
    path("bookings/recent", pages.recent, name="recent"),
    path("bookings/<uuid:booking>/panel", pages.panel, name="panel"),
    path("book", commands.book, name="book"),
    path("faults", commands.faults, name="faults"),
    path("faults/<str:name>", commands.toggle, name="toggle"),
    path("", api.urls),
]
