"""What is pushed to those who wait, and what is counted of it."""

from dataclasses import replace

from core.ids import MatchId
from tests.matchmaker.api.playing import Api, frame
from tests.matchmaker.api.serving import CLOCK


async def waits_counted(api: Api) -> float:
    async with api.http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    name = 'readyup_matchmaker_ticket_wait_seconds_count{queue="duel"} '
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


async def test_a_match_that_moves_is_pushed_again_and_its_waits_are_counted_once(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        first = (await frame(ann, "assignment"))["assignment"]
        await frame(bo, "assignment")
        match = await api.duel.match(MatchId(first["match"]))
        assert match is not None
        assert match.placement is not None
        await api.duel.moved(replace(match.placement, epoch=2), now_ms=CLOCK.wall_ms())
        again = (await frame(ann, "assignment"))["assignment"]

    assert (first["epoch"], again["epoch"]) == (1, 2)
    assert await waits_counted(api) == 2
