"""The URLs of a process started with SERVICE=booking."""

from django.urls import path

from booking.api import api

urlpatterns = [path("", api.urls)]
