from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from messaging.postgresql.moments import read_any_moment

        read_any_moment()
