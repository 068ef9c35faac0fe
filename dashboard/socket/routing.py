from django.urls import path

from dashboard.socket.consumer import JournalConsumer

websocket_urlpatterns = [path("ws/journal", JournalConsumer.as_asgi())]
