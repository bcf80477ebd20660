"""What the tests of images need beside pytest's own."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker here, where it is used."""
    config.addinivalue_line("markers", "images: builds the images and runs them all, by podman")
