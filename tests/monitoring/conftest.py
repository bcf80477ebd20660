"""The long test of the alerts has a marker of its own, so that `make faults` leaves it out."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker here, where it is used."""
    config.addinivalue_line("markers", "alerts: every alert by a fault of its own, ten minutes")
