from django.apps import AppConfig


class VouchersConfig(AppConfig):
    name = "tests.topology.vouchers"
    label = "vouchers"
