"""What options have in common: what is no port, no address or no place to write is refused."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import Invalid

PORT_MAX = 65_535


def refuse_port(option: str, port: int | None) -> None:
    """Refuse a number that is no port.

    Raises:
        Invalid: names the option and the range.
    """
    if port is not None and not 0 <= port <= PORT_MAX:
        raise Invalid(
            f"{option}: {port} is no port; write 0 (any free one) to {PORT_MAX}", field=option
        )


def refuse_url(option: str, url: str) -> None:
    """Refuse what is no address of a service.

    Raises:
        Invalid: names the option and how one is written.
    """
    cure = "write http://HOST:PORT"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise Invalid(f"{option}: {url!r} is no address ({wrong}); {cure}", field=option) from wrong
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Invalid(f"{option}: {url!r} is no address; {cure}", field=option)


def refuse_file(option: str, path: Path | None) -> None:
    """Refuse a file that could not be written at the end; ``-`` is no file.

    Raises:
        Invalid: names the option, the path and what is in its way.
    """
    if path is None or str(path) == "-":
        return
    if path.is_dir():
        raise Invalid(f"{option}: {path} is a folder; name a file in it", field=option)
    if path.exists() and not os.access(path, os.W_OK):
        raise Invalid(f"{option}: {path} may not be written; choose another file", field=option)
    if not path.exists():
        refuse_folder(option, path.absolute().parent, make=False)


def refuse_folder(option: str, folder: Path, *, make: bool = True) -> None:
    """Refuse a folder that nothing could be written in; it is made if it is not there.

    Raises:
        Invalid: names the option, the folder and what is in its way.
    """
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Invalid(
            f"{option}: {folder} cannot be made ({wrong.strerror}); choose another", field=option
        ) from wrong
    if not folder.is_dir():
        raise Invalid(f"{option}: there is no folder {folder}; make it first", field=option)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Invalid(f"{option}: {folder} may not be written in; choose another", field=option)
