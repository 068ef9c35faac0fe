"""The URLs of a process started with SERVICE=tickets."""

from django.urls import path

from tickets.api import api

urlpatterns = [path("", api.urls)]
