"""The browser of the other browser tests."""

from tests.browser.conftest import browser_type_launch_args, open_page  # noqa: F401
