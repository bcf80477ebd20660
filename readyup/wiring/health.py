"""Whether a process of this machine lives: ``python -m readyup.wiring.health``, for containers.

It asks ``/livez`` of the newest admin port that left its address in a run folder, or of
``READYUP_ADMIN_PORT`` where that is set. Only the standard library, because it is started
every few seconds; and no ``urllib.request``, which would ask a proxy.
"""

import http.client
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

ANSWER_S = 2.0


def address(environ: Mapping[str, str], folder: Path) -> tuple[str, int] | None:
    """Host and port of the admin port; None when no process left one."""
    if port := int(environ.get("READYUP_ADMIN_PORT") or 0):
        return "127.0.0.1", port
    # Of a process that was killed the file stays; the newest is its successor's.
    files = sorted(folder.glob("readyup*/admin/*"), key=lambda file: file.stat().st_mtime)
    if not files:
        return None
    found = urlsplit(files[-1].read_text("utf-8").strip())
    host = found.hostname or "127.0.0.1"
    return ("127.0.0.1" if host in ("0.0.0.0", "::") else host), found.port or 0  # noqa: S104


def lives(host: str, port: int) -> bool:
    """Whether ``/livez`` answers there."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def main() -> int:
    """The exit code: 0 when it lives."""
    found = address(os.environ, Path(tempfile.gettempdir()))
    return 0 if found is not None and lives(*found) else 1


if __name__ == "__main__":
    sys.exit(main())
