"""The URLs of a process started with SERVICE=seats."""

from django.urls import path

from seats.api import api

urlpatterns = [path("", api.urls)]
