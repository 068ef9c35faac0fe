"""Wiring. Every module that imports any of it uses these settings."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
