"""Open seats of running matches at the player API: a game back end asks for players."""

from collections.abc import Mapping

from aiohttp import web

from core.clock import Clock
from core.errors import Conflict, Exhausted, Forbidden, NotFound, ReadyUpError
from core.ids import MatchId, PlayerId, queue_of
from core.web import body_of, json_response
from matchmaker.api.keys import Keys, bearer
from matchmaker.api.shapes import BackfillIn, BackfillOut
from matchmaker.backfills import Wanted, ask
from matchmaker.store import QueueStore

PATH = "/v1/matches/{match}/backfill"


class Backfills:
    """Handlers of the routes under ``PATH``; players have no business here."""

    def __init__(self, queues: Mapping[str, QueueStore], keys: Keys, clock: Clock) -> None:
        self._queues = queues
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [web.post(PATH, self._ask), web.delete(PATH, self._withdraw)]

    async def _ask(self, request: web.Request) -> web.Response:
        match = await self._named(request)
        said = await body_of(request, BackfillIn)
        open_ = {team: int(seats) for team, seats in said.open.items()}
        gone = tuple(PlayerId(player) for player in said.gone)
        return await self._answer(Wanted(match, "", open_, gone, wait_s=said.wait_s or 0.0))

    async def _withdraw(self, request: web.Request) -> web.Response:
        return await self._answer(Wanted(await self._named(request), "", {}))

    async def _named(self, request: web.Request) -> MatchId:
        caller = await self._keys.principal(bearer(request.headers.get("Authorization")))
        if not caller.is_backend():
            raise Forbidden("only game back ends, and the match's own server, ask for players")
        return MatchId(request.match_info["match"])

    async def _answer(self, wanted: Wanted) -> web.Response:
        queue = self._queues.get(queue_of(wanted.match))
        if queue is None:
            raise _refusal("ended", wanted.match)
        state = await ask(queue, wanted, now_ms=self._clock.wall_ms())
        if state not in ("open", "withdrawn"):
            raise _refusal(state, wanted.match)
        return json_response(BackfillOut(wanted.match, state))


def _refusal(state: str, of: MatchId) -> ReadyUpError:
    match state:
        case "off":
            name = queue_of(of)
            return Conflict(f'queue {name!r} asks for nobody; set its backfill to "manual"')
        case "filling":
            return Conflict("newcomers are on their way to it; ask again when they are there")
        case "moved":
            return Exhausted("the match is being moved to another game server; ask again")
        case _:
            return NotFound("no such match is played; it has ended, or never was")
