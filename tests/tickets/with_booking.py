"""The URLs of Booking's and of Ticket's API together: a server of these answers as both do."""

from django.urls import path

from booking.api import api as booking
from tickets.api import api as tickets

urlpatterns = [path("", booking.urls), path("", tickets.urls)]
