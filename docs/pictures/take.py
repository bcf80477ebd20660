"""Takes the console's picture: `python -m docs.pictures.take URL FILE [--dark] [--size 1280x800]`.

Run it from the root of the repository while a demo runs; it needs a Chromium.
"""

import argparse
import asyncio
from pathlib import Path

from tests.readyup.console.chromium import chromium

DRAWN = (
    "document.querySelectorAll('.tile').length > 0"
    " || document.getElementById('page')?.hidden === false"
)
"""The first page has servers, and a page of one thing has been told of it."""

SETTLE_S = 3.0
"""The charts and dots are worth more once a few frames have come."""


async def take(url: str, file: Path, *, width: int, height: int, dark: bool) -> None:
    """Open the console, wait until it is drawn, and write a PNG."""
    async with chromium() as page:
        await page.open(url, width=width, height=height, dark=dark)
        await page.until(DRAWN, patience_s=30)
        await asyncio.sleep(SETTLE_S)
        await page.picture(file)


def main() -> None:
    """Read the command line and take the picture."""
    words = argparse.ArgumentParser(description="take the console's picture")
    words.add_argument("url", help="where the console is, as the demo prints it")
    words.add_argument("file", type=Path, help="the PNG to write")
    words.add_argument("--dark", action="store_true")
    words.add_argument("--size", default="1280x800", help="in pixels, e.g. 400x860")
    asked = words.parse_args()
    width, height = (int(side) for side in asked.size.split("x"))
    asyncio.run(take(asked.url, asked.file, width=width, height=height, dark=asked.dark))


if __name__ == "__main__":
    main()
