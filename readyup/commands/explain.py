"""``readyup explain``: why a ticket waits, asked of the player API."""

import asyncio
import os
import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter

from core.errors import ReadyUpError, Rejected, Unreachable
from matchmaker.api.why import WhyOut
from readyup.commands.options import refuse_url

KEY = "READYUP_KEY"
PATIENCE_S = 15.0


def explain(
    ticket: str,
    /,
    *,
    url: str = "http://127.0.0.1:8081",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say why a ticket waits: who is kept away by which rule, and what would release it.

    The key is taken from READYUP_KEY; without it, the development key of a back end.

    Args:
        ticket: Its id, as the API gave it.
        url: Where the player API is, as the demo prints it.
        json: Print the answer as JSON.
    """
    try:
        refuse_url("--url", url)
        answer = asyncio.run(_ask(url.rstrip("/"), ticket))
        why = msgspec.json.decode(answer, type=WhyOut)
    except (ReadyUpError, msgspec.MsgspecError) as wrong:
        print(f"readyup explain: {wrong}", file=sys.stderr)
        return 1
    print(answer.decode() if json else "\n".join(_lines(why)))
    return 0


async def _ask(url: str, ticket: str) -> bytes:
    import aiohttp

    headers = {"Authorization": f"Bearer {os.environ.get(KEY) or 'dev-backend'}"}
    patience = aiohttp.ClientTimeout(PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=patience) as http,
            http.get(f"{url}/v1/tickets/{ticket}/why") as answer,
        ):
            body = await answer.read()
            if answer.status != 200:
                raise Rejected(_detail(body) or f"{url} answered {answer.status}")
            return body
    except (aiohttp.ClientError, TimeoutError) as away:
        raise Unreachable(f"{url}: nobody answers; is the service running? ({away})") from away


def _detail(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError:
        return ""
    return str(problem.get("detail") or problem.get("title") or "")


def _lines(why: WhyOut) -> list[str]:
    wanted = f"{why.players_min}"
    if why.players_max != why.players_min:
        wanted += f" to {why.players_max}"
    fit = f"{why.compatible} of {why.waiting} tickets fit"
    lines = [
        why.sentence,
        f"waited      {why.waited_s:.1f} s in {why.queue}, for a match of {wanted} players",
        f"candidates  {fit}, {why.compatible_players} players with this one",
    ]
    lines += [f"excluded    {count:6} by {rule}" for rule, count in why.excluded.items()]
    for one in why.nearest:
        kept = ", ".join(one.excluded_by)
        opens = "never" if one.opens_in_s is None else f"in {one.opens_in_s:.1f} s"
        who = one.ticket or f"a party of {one.players}"
        lines.append(f"nearest     {who}: " + (f"{kept}; opens {opens}" if kept else "fits"))
    return lines
