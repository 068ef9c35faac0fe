"""manage.py seed_booking: the demo's customers."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand

from booking.customers.register import NewCustomer, register
from booking.models import Customer
from messaging.database import Database

CUSTOMERS = [
    NewCustomer(pk, name, email, password=secrets.token_urlsafe())  # nobody learns it: the sandbox has no login
    for pk, name, email in (
        (99, "John", "john@example.com"),
        (123, "Min-jun", "minjun@example.com"),
        (1042, "Ana", "ana@example.com"),
    )
]


class Command(BaseCommand):
    help = "Register the demo's customers. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        new = register(Database.of(Customer), CUSTOMERS)
        self.stdout.write(f"{len(new)} customers registered, {len(CUSTOMERS) - len(new)} were there already")
