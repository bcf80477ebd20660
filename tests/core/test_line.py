"""One line to a server, spoken by a client that answers what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import redis.asyncio as aioredis
from redis.exceptions import MovedError, NoPermissionError
from structlog.testing import capture_logs

from core.address import Endpoint
from core.errors import StoreUnreachable
from core.line import Call, Durability, Line
from core.reasons import Peer

PEER = Peer(Endpoint("a", 1), user="", variable="PASSWORD")


class Client:
    """Its own pipeline; one answer for each."""

    def __init__(self, *answers: list[object] | Exception) -> None:
        self._answers = list(answers)

    def pipeline(self, *, transaction: bool) -> "Client":
        assert not transaction
        return self

    def execute_command(self, *command: object) -> None:
        assert command

    async def execute(self, *, raise_on_error: bool) -> list[object]:
        assert not raise_on_error
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self, *, close_connection_pool: bool) -> None:
        assert close_connection_pool


@asynccontextmanager
async def line_to(
    client: Client, trouble: list[str], durability: Durability = "replica"
) -> AsyncIterator[Line]:
    line = Line(
        cast("aioredis.Redis", client),
        PEER,
        durability,
        own_key=lambda near: near,
        elsewhere=lambda call, said: None,
        trouble=lambda: trouble.append("trouble"),
    )
    yield line
    await line.close()


async def answer(line: Line, tag: str = "") -> Any:  # noqa: ANN401
    call = Call(("GET", "k"), asyncio.get_running_loop().create_future(), tag=tag)
    line.put(call)
    return await call.answer


async def test_whoever_may_not_keep_a_promise_for_want_of_a_key_has_the_slots_looked_at_soon():
    trouble: list[str] = []
    async with line_to(Client(["v", MovedError("7 b:2"), 1]), trouble) as line:
        with pytest.raises(StoreUnreachable, match="gives the slot to b:2"):
            await answer(line, tag="{q:duel}")

    assert trouble == ["trouble"]


async def test_a_mistake_of_ours_is_not_taken_for_a_store_that_was_closed():
    async with line_to(Client(ZeroDivisionError("a mistake")), []) as line:
        with pytest.raises(StoreUnreachable):
            await answer(line)
        with pytest.raises(ZeroDivisionError, match="a mistake"):
            await answer(line)


async def test_what_a_server_refuses_is_told_once_with_the_place_and_the_cure():
    """Who asked over HTTP is told neither, so without this line nobody would be."""
    no = NoPermissionError("User readyup has no permissions to run the 'evalsha' command")
    with capture_logs() as told:
        async with line_to(Client([no], [no]), []) as line:
            for _ in range(2):
                with pytest.raises(StoreUnreachable):
                    await answer(line)

    (one,) = told
    assert one["event"] == "store.refuses"
    assert one["reason"].startswith("a:1 does not let the default user do that")


@pytest.mark.parametrize(("alone", "kept"), [(True, [1, 0]), (False, [1, 1])])
async def test_a_file_is_enough_where_nobody_else_could_have_one(*, alone: bool, kept: list[int]):
    async with line_to(Client(["v", "OK", kept]), [], "aof") as line:
        line.alone = alone

        assert await answer(line, tag="{q:duel}") == "v"


@pytest.mark.parametrize(("alone", "kept"), [(True, [0, 0]), (False, [1, 0]), (False, [0, 1])])
async def test_without_every_file_that_is_asked_for_nothing_is_promised(
    *, alone: bool, kept: list[int]
):
    async with line_to(Client(["v", "OK", kept]), [], "aof") as line:
        line.alone = alone
        with pytest.raises(StoreUnreachable, match="has it after 1000 ms"):
            await answer(line, tag="{q:duel}")
