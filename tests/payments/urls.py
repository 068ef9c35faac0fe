"""The URLs of a process started with SERVICE=payments."""

from django.urls import path

from payments.api import api

urlpatterns = [path("", api.urls)]
