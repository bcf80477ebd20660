"""A game server of a few lines: Ready, then health; run by path, with nothing but Python.

Arguments: seconds after which it falls silent (0 for never).
"""

import os
import sys
import time
import urllib.error
import urllib.request


def call(path: str) -> None:
    """One call of the SDK over REST."""
    port = os.environ["AGONES_SDK_HTTP_PORT"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b"{}")
    urllib.request.urlopen(request, timeout=2).close()  # noqa: S310 - it is http, above


def main() -> None:
    """Say Ready as soon as the SDK server listens, and live until killed."""
    silent_after_s = float(sys.argv[1])
    began = time.monotonic()
    said_ready = False
    while True:
        try:
            if not silent_after_s or time.monotonic() < began + silent_after_s:
                call("/health")
            if not said_ready:
                call("/ready")
                said_ready = True
        except urllib.error.URLError:  # the SDK server is not there yet, or again
            pass
        time.sleep(0.2)


main()
