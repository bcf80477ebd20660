"""``readyup top``: the console, in a terminal."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import ReadyUpError, Rejected, Unreachable
from readyup.commands.operator import TOKEN, token_header
from readyup.commands.options import refuse_url
from readyup.commands.process import our_errors

if TYPE_CHECKING:
    import aiohttp

    from readyup.console.snapshot import Snapshot

PATIENCE_S = 5.0
AGAIN_S = 1.0
FRAME_MAX_BYTES = 8 * 1024 * 1024
"""The largest snapshot taken; one of a thousand servers has half a megabyte."""


def top(
    *,
    url: str = "http://127.0.0.1:8080",
    once: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show queues, servers, the warm pool, latency and the promises, four times a second.

    q or Ctrl-C ends it. Where there is no terminal to draw on, it prints once.

    Args:
        url: Where the console is, as the demo prints it.
        once: Print one table and end.
        json: Print the snapshot as JSON and end.
    """
    try:
        refuse_url("--url", url)
        if json:
            print(asyncio.run(_raw(url)).decode())
        elif once or not sys.stdout.isatty():
            _print(asyncio.run(_raw(url)))
        else:
            asyncio.run(_watch(url))
    except (ReadyUpError, BaseExceptionGroup) as wrong:
        for error in our_errors(wrong):
            print(f"readyup top: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _raw(url: str) -> bytes:
    """One snapshot, as the console wrote it."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=token_header()) as http,
            http.get(f"{url.rstrip('/')}/console/snapshot") as answer,
        ):
            if answer.status == 401:
                raise Rejected(f"operators sign in there: put your token into {TOKEN}")
            if answer.status != 200 or answer.content_type != "application/json":
                raise _no_console(url, f"the answer is {answer.status} {answer.content_type}")
            return await answer.read()
    except (aiohttp.ClientError, TimeoutError, ValueError) as lost:
        raise _nobody(url) from lost


def _print(body: bytes) -> None:
    from rich.console import Console

    from readyup.console.terminal import screen

    # Into a file or a pipe a line is as long as it has to be.
    out = Console(width=None if sys.stdout.isatty() else 140)
    out.print(screen(_decode(body)))


def _decode(body: bytes) -> "Snapshot":
    import msgspec

    from readyup.console.snapshot import Snapshot

    try:
        return msgspec.json.decode(body, type=Snapshot)
    except msgspec.MsgspecError as wrong:
        raise Unreachable(
            f"the console's snapshot cannot be read ({wrong}); it may be of another version"
        ) from wrong


async def _watch(url: str) -> None:
    """Draw every frame until q. A console that goes away is waited for; one that was never
    there is an error.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from readyup.console.terminal import screen

    _decode(await _raw(url))
    console, quit_asked = Console(), asyncio.Event()
    with (
        _key("q", quit_asked),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        async with asyncio.TaskGroup() as group:

            async def draw() -> None:
                while True:
                    async with contextlib.aclosing(_frames(url)) as frames:
                        async for body in frames:
                            lines = console.size.height
                            live.update(screen(_decode(body), lines=lines), refresh=True)
                    live.update(Text(f"{url} does not answer; trying again", style="bold red"))
                    live.refresh()
                    await asyncio.sleep(AGAIN_S)

            drawing = group.create_task(draw(), name="draw")
            await quit_asked.wait()
            drawing.cancel()


async def _frames(url: str) -> AsyncGenerator[bytes, None]:
    """Snapshots of the console's stream until it breaks."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE_S, sock_read=PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=timeout, read_bufsize=FRAME_MAX_BYTES, headers=token_header()
            ) as http,
            http.get(f"{url.rstrip('/')}/console/stream") as answer,
        ):
            async for body in _events(answer):
                yield body
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return


async def _events(answer: "aiohttp.ClientResponse") -> AsyncGenerator[bytes, None]:
    kind = b""
    async for line in answer.content:
        name, _, value = line.rstrip(b"\n").partition(b": ")
        if name == b"event":
            kind = value
        elif name == b"data" and kind == b"snapshot":
            yield value


@contextlib.contextmanager
def _key(key: str, pressed: asyncio.Event) -> Iterator[None]:
    """Set ``pressed`` when a key is; without a terminal to read there is only Ctrl-C."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def read() -> None:
        if key in sys.stdin.read(1):
            pressed.set()

    tty.setcbreak(fd)
    loop.add_reader(fd, read)
    try:
        yield
    finally:
        loop.remove_reader(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _nobody(url: str) -> Unreachable:
    return Unreachable(
        f"nobody answers at {url}; start `readyup demo` or `readyup serve`, or name the"
        " console's address with --url"
    )


def _no_console(url: str, why: str) -> Unreachable:
    return Unreachable(f"{url} is no console of ReadyUp: {why}; name its address with --url")
