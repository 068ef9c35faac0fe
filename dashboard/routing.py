from django.urls import path

from dashboard.consumer import JournalConsumer

websocket_urlpatterns = [path("ws/journal", JournalConsumer.as_asgi())]
