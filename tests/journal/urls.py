"""The URLs of a process started with SERVICE=journal."""

from django.urls import path

from journal.api import api

urlpatterns = [path("", api.urls)]
