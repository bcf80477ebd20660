"""``readyup explain``: why a ticket waits, or why a match was made."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated
from urllib.parse import quote

import msgspec
from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError, Rejected, Unreachable
from core.words import many
from matchmaker.api.why import WhyOut
from matchmaker.engine.receipt import Receipt
from matchmaker.shadow_figures import ShadowFigures
from readyup.commands.operator import Api, token_header
from readyup.commands.options import refuse_url

KEY = "READYUP_KEY"
PATIENCE_S = 15.0


def explain(
    name: str = "",
    /,
    *,
    shadow: str = "",
    url: str = "http://127.0.0.1:8081",
    console: str = "http://127.0.0.1:8080",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say why a ticket waits: who is kept away by which rule, and what would release it; or
    why a match was made, from its receipt.

    The player API's key is taken from READYUP_KEY; without it, the development key of a back
    end. Of a ticket that is not that key's the console is asked, whose token is taken from
    READYUP_OPERATOR_TOKEN, where it asks for one.

    Args:
        name: The id of a ticket or of a match; of a ticket that is matched, its match's is told.
        shadow: A queue, in the place of an id: what its shadow rules would do beside what is done.
        url: Where the player API is, as the demo prints it.
        console: Where the console is.
        json: Print the answer as JSON.
    """
    try:
        refuse_url("--url", url)
        refuse_url("--console", console)
        if bool(name) == bool(shadow):
            raise Invalid("of what? Give the id of a ticket or of a match, or --shadow QUEUE")
        url, console = url.rstrip("/"), console.rstrip("/")
        found = asyncio.run(_shadow(console, shadow) if shadow else _found(url, console, name))
    except (ReadyUpError, msgspec.MsgspecError) as wrong:
        print(f"readyup explain: {wrong}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(found).decode() if json else "\n".join(_words(found)))
    return 0


Found = WhyOut | Receipt


def _words(found: Found | ShadowFigures) -> Iterable[str]:
    match found:
        case WhyOut():
            return _lines(found)
        case Receipt():
            return _told(found)
        case _:
            return _sides(found)


class _NotTold(Rejected):
    """There is no such ticket, it is somebody else's, or it does not wait."""


async def _found(url: str, console: str, name: str) -> Found:
    try:
        return msgspec.json.decode(await _ask(url, name), type=WhyOut)
    except _NotTold as refused:
        try:
            return await _by_operator(console, name)
        except ReadyUpError as unknown:
            by = f"the key in {KEY}" if os.environ.get(KEY) else f"dev-backend, as {KEY} is not set"
            raise Rejected(
                f"{url} says to {by}: {refused}; the console {console} says: {unknown}"
            ) from unknown


async def _by_operator(console: str, name: str) -> Found:
    """Whosever ticket it is, or whichever match."""
    try:
        async with _operators(console) as api:
            told = await api.ask("GET", f"/tickets/{quote(name, safe='')}/why")
    except Rejected:
        return await _receipt(console, name)
    return msgspec.convert(told, WhyOut)


async def _ask(url: str, ticket: str) -> bytes:
    import aiohttp

    headers = {"Authorization": f"Bearer {os.environ.get(KEY) or 'dev-backend'}"}
    patience = aiohttp.ClientTimeout(PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=patience) as http,
            http.get(f"{url}/v1/tickets/{quote(ticket, safe='')}/why") as answer,
        ):
            body = await answer.read()
            said = _detail(body) or f"{url} answered {answer.status}"
            if answer.status in (401, 403, 404, 409):
                raise _NotTold(said)
            if answer.status != 200:
                raise Rejected(said)
            return body
    except (aiohttp.ClientError, TimeoutError) as away:
        raise Unreachable(f"{url}: nobody answers; is the service running? ({away})") from away


@contextlib.asynccontextmanager
async def _operators(console: str) -> AsyncIterator[Api]:
    import aiohttp

    patience = aiohttp.ClientTimeout(PATIENCE_S)
    async with aiohttp.ClientSession(headers=token_header(), timeout=patience) as http:
        yield Api(console, http)


async def _shadow(console: str, queue: str) -> ShadowFigures:
    async with _operators(console) as api:
        queues = (await api.ask("GET", "/queues"))["queues"]
    found = {one["name"]: one.get("shadow") for one in queues}
    if queue not in found:
        raise Invalid(f"--shadow: there are {', '.join(found)}", field="--shadow")
    if found[queue] is None:
        raise Rejected(f"{queue} has no shadow_rules in its settings, or no director")
    return msgspec.convert(found[queue], ShadowFigures)


async def _receipt(console: str, name: str) -> Receipt:
    """Of a match, or of the match that a ticket came into."""
    async with _operators(console) as api:
        try:
            match = await api.ask("GET", f"/matches/{quote(name, safe='')}")
        except Rejected as no_match:
            ticket = await api.ask("GET", f"/tickets/{quote(name, safe='')}")
            if not ticket["matches"]:
                left = f"{name} is {ticket['status'] or 'gone'}, and came into no match"
                raise Rejected(left) from no_match
            match = await api.ask("GET", f"/matches/{quote(ticket['matches'][-1], safe='')}")
    if match.get("receipt") is None:
        raise Rejected(
            f"match {match['match']} has no receipt: newcomers to a match that runs have none,"
            " nor have matches that an older version made"
        )
    return msgspec.convert(match["receipt"], Receipt)


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
    fit = f"{why.compatible} of {many(why.waiting, 'ticket')} fit"
    lines = [
        why.sentence,
        f"waited      {why.waited_s:.1f} s in {why.queue}, for a match of {wanted} players",
        f"candidates  {fit}, {many(why.compatible_players, 'player')} with this one",
    ]
    if (estimate := why.estimated_wait_s) is not None:
        often = f"half of such tickets have a match within {estimate.p50:.0f} s more"
        rarely = "" if estimate.p90 is None else f", nine in ten within {estimate.p90:.0f} s"
        lines.append(f"estimate    {often}{rarely}")
    lines += [f"excluded    {count:6} by {rule}" for rule, count in why.excluded.items()]
    for one in why.nearest:
        kept = ", ".join(one.excluded_by)
        opens = "never" if one.opens_in_s is None else f"in {one.opens_in_s:.1f} s"
        who = one.ticket or f"a party of {one.players}"
        lines.append(f"nearest     {who}: " + (f"{kept}; opens {opens}" if kept else "fits"))
    return lines


WHY = {
    "allowed": "as soon as the rules allowed it",
    "waited": "its players had waited for as long as the dial asks for this quality",
    "thin": "too few others came to wait for",
}


def _told(receipt: Receipt) -> Iterator[str]:
    name = f"{receipt.name}, " if receipt.name else ""
    yield f"quality {receipt.quality:.3f}, made {WHY[receipt.because]}"
    yield f"rules       {name}version {receipt.rules}, at the age of {receipt.age_s:.1f} s"
    yield from (f"in force    {one}" for one in receipt.in_force)
    yield from (f"term        {value:.3f}  {one}" for one, value in receipt.terms.items())
    waited = f"{receipt.waited_s:.1f} s on average"
    yield f"waited      {waited}; the dial's bar was {receipt.bar_s:.1f} s"
    yield f"candidates  {receipt.candidates} of {many(receipt.waiting, 'ticket')}, for its oldest"
    yield f"pass        {many(receipt.found, 'match', 'es')}, {receipt.better} of them better"


def _sides(found: ShadowFigures) -> Iterator[str]:
    def row(name: str, figures: Iterable[float | None], unit: str = "") -> str:
        cells = (f"{'-' if one is None else f'{one:.2f}{unit}'}" for one in figures)
        return f"{name:14}" + "".join(f"{cell:>12}" for cell in cells)

    sides = (found.live, found.shadow)
    yield f"{found.name or 'rules'}, version {found.version}, over ten minutes at most"
    yield f"{'':14}{'live':>12}{'shadow':>12}"
    yield row("matches a min", (one.matches_per_min for one in sides))
    yield row("wait p50", (one.wait_s_p50 for one in sides), " s")
    yield row("wait p90", (one.wait_s_p90 for one in sides), " s")
    yield row("quality p50", (one.quality_p50 for one in sides))
    yield (
        f"{found.waiting} wait in the shadow; {found.rejected} could never be matched there, "
        f"{found.left_out} found no place, {found.skipped} passes were skipped"
    )
