"""Stands in for `valkey-cli`, which no package of ours brings: one command, its answer raw."""

import os
import socket
import sys
from collections.abc import Iterator
from io import BufferedReader

Reply = str | None | list["Reply"]


def main() -> int:
    """The exit code: 1 when nobody answers or the answer is an error."""
    host, port, password, command = os.environ["POD_IP"], 6379, "", []
    words = iter(sys.argv[1:])
    for word in words:
        if command or not word.startswith("-"):
            command.append(word)
        elif word == "-h":
            host = next(words)
        elif word == "-p":
            port = int(next(words))
        elif word == "-a":
            password = next(words)
    try:
        with (
            socket.create_connection((host, port), 2) as connection,
            connection.makefile("rb") as said,
        ):
            connection.sendall(packed("AUTH", password) + packed(*command))
            answer(said)
            told = answer(said)
    except (OSError, ValueError) as gone:
        print(gone, file=sys.stderr)
        return 1
    print("\n".join(lines(told)))
    return 0


def packed(*words: str) -> bytes:
    """A command as RESP has it."""
    parts = [b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"*%d\r\n%s" % (len(words), b"".join(parts))


def answer(said: BufferedReader) -> Reply:
    """One reply: text, None, or a list of them.

    Raises:
        ValueError: an error, or the end.
    """
    line = said.readline().rstrip(b"\r\n").decode()
    kind, rest = line[:1], line[1:]
    if kind in ("+", ":"):
        return rest
    if kind == "$":
        length = int(rest)
        return None if length < 0 else said.read(length + 2)[:-2].decode()
    if kind == "*":
        return [answer(said) for _ in range(max(0, int(rest)))]
    raise ValueError(line or "the connection ended")


def lines(told: Reply) -> Iterator[str]:
    """As ``--raw`` prints them."""
    if isinstance(told, list):
        for one in told:
            yield from lines(one)
    else:
        yield told or ""


if __name__ == "__main__":
    sys.exit(main())
