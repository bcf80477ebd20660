"""What a child prints, in a file that cannot grow without end."""

import asyncio
import contextlib
import os
from pathlib import Path

CHUNK_BYTES = 65_536
LOGS_MAX = 200


def keep_newest(folder: Path, files_max: int = LOGS_MAX) -> None:
    """Delete the oldest files beyond so many: servers come and go, and each leaves a log."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in files[:-files_max]:
        path.unlink()


def last_line(path: Path, chars_max: int = 300) -> str:
    """The last line of a log that is not blank; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 4096))
            lines = log.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:chars_max] for line in reversed(lines) if line.strip()), "")


class CappedLog:
    """Appends to a file; when it is full, that becomes ``<name>.1`` and a new one begins."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._bytes_max = bytes_max
        self._file = path.open("ab", buffering=0)
        self._bytes = self._file.tell()

    def write(self, data: bytes) -> None:
        """Append; both files together never hold more than twice the cap."""
        while data:
            room = self._bytes_max - self._bytes
            if room <= 0:
                self._file.close()
                # While its server was silent it may have been deleted as the oldest.
                with contextlib.suppress(FileNotFoundError):
                    self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._path.open("wb", buffering=0)
                self._bytes = 0
                continue
            part, data = data[:room], data[room:]
            self._file.write(part)
            self._bytes += len(part)

    def close(self) -> None:
        self._file.close()


class Output:
    """The reading end of a child's stdout and stderr, emptied into a log as it fills."""

    def __init__(self, log: CappedLog) -> None:
        self._log = log
        self._read_fd, self.write_fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_fd, self._take)
        self._open = True

    def started(self) -> None:
        """The child has its end; ours must go, or the end would never be seen."""
        os.close(self.write_fd)

    def close(self) -> None:
        """Take what is still in the pipe, then close. Twice is fine."""
        while self._open and self._take():
            pass
        self._end()

    def _take(self) -> bool:
        """One chunk; True when there may be more."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._read_fd, CHUNK_BYTES)
            if not data:
                self._end()
        self._log.write(data)
        return bool(data)

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._read_fd)
            os.close(self._read_fd)
            self._log.close()
