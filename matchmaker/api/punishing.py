"""Penalties at the player API: a game back end tells of them, looks at them, and lifts them."""

from collections.abc import Mapping

from aiohttp import web

from core.clock import Clock
from core.errors import Conflict, Forbidden, NotFound
from core.ids import PLAYER, PlayerId
from core.web import body_of, json_response
from matchmaker.api.keys import Keys, bearer
from matchmaker.api.shapes import PenaltyIn, PenaltyOut
from matchmaker.penalties import pardon, penalise, penalty_of
from matchmaker.store import QueueStore

PATH = "/v1/queues/{queue}/penalties/{player}"


class Penalties:
    """Handlers of the routes under ``PATH``; players have no business here."""

    def __init__(self, queues: Mapping[str, QueueStore], keys: Keys, clock: Clock) -> None:
        self._queues = queues
        self._keys = keys
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [
            web.get(PATH, self._read),
            web.post(PATH, self._add),
            web.delete(PATH, self._lift),
        ]

    async def _read(self, request: web.Request) -> web.Response:
        queue, player = await self._asked(request)
        return json_response(await _told(queue, player))

    async def _add(self, request: web.Request) -> web.Response:
        queue, player = await self._asked(request)
        said = await body_of(request, PenaltyIn)
        if not queue.settings.penalty_s:
            raise Conflict(f"queue {queue.settings.name!r} punishes nobody; set its penalty_s")
        await penalise(queue, [player], said.reason, now_ms=self._clock.wall_ms())
        return json_response(await _told(queue, player))

    async def _lift(self, request: web.Request) -> web.Response:
        queue, player = await self._asked(request)
        lifted = await _told(queue, player)
        await pardon(queue, player)
        return json_response(lifted)

    async def _asked(self, request: web.Request) -> tuple[QueueStore, PlayerId]:
        caller = await self._keys.principal(bearer(request.headers.get("Authorization")))
        if not caller.is_backend():
            raise Forbidden("penalties are for game back ends; a player is told of its own")
        queue = self._queues.get(request.match_info["queue"])
        if queue is None:
            raise NotFound(f"there is no queue {request.match_info['queue']!r}")
        player = request.match_info["player"]
        if not PLAYER.fullmatch(player):
            raise NotFound(f"{player!r} is no player's id: letters, digits, . _ and -, at most 64")
        return queue, PlayerId(player)


async def _told(queue: QueueStore, player: PlayerId) -> PenaltyOut:
    found = await penalty_of(queue, player)
    if found is None:
        raise NotFound(f"nothing is held against {player!r}")
    return PenaltyOut(player, found.count, found.until_ms, found.why)
