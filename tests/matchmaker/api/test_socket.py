"""A player's socket, with a director and a handful of rooms behind it."""

from core.ids import FleetName
from core.placement import Placement
from matchmaker.ports import PlayerSession
from tests.matchmaker.api.playing import Api, frame


async def test_two_players_over_sockets_are_told_at_once(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        hello = await frame(ann, "hello")
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel", "rating": 1500})
        queued = await frame(ann, "ticket")
        hers, his = await frame(ann, "assignment"), await frame(bo, "assignment")

    assert (hello["player"], hello["ticket"], hello["session"]) == ("ann", None, None)
    assert hers["ticket"]["id"] == queued["ticket"]["id"]
    assert hers["ticket"]["ver"] > queued["ticket"]["ver"]
    assert hers["assignment"]["match"] == his["assignment"]["match"]
    assert hers["assignment"]["token"] != his["assignment"]["token"]


async def test_every_connected_member_of_a_party_is_told(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        members = [{"id": n, "key": f"dev-player:{n}"} for n in ("bo", "cy", "di", "ed")]
        await ann.send_json({"type": "enqueue", "queue": "squad", "party": members})
        queued = await frame(bo, "ticket")
        players = [{"id": f"x{n}"} for n in range(5)]
        await api.ask("POST", "/v1/tickets", json={"queue": "squad", "players": players})
        hers, his = await frame(ann, "assignment"), await frame(bo, "assignment")

    assert queued["ticket"]["status"] == "QUEUED"
    assert hers["assignment"]["team"] == his["assignment"]["team"]
    assert hers["assignment"]["seat"] != his["assignment"]["seat"]


async def test_a_socket_can_cancel_and_queue_again(api: Api):
    async with api.connect("ann") as ws:
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        first = await frame(ws, "ticket")
        await ws.send_json({"type": "cancel"})
        cancelled = await frame(ws, "ticket")
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        while (again := await frame(ws, "ticket"))["ticket"]["status"] != "QUEUED":
            pass

    assert cancelled["ticket"]["status"] == "CANCELLED"
    assert again["ticket"]["id"] != first["ticket"]["id"]


async def test_a_match_in_line_is_told_and_so_is_going_back_when_another_cancels(api: Api):
    api.rooms.free.clear()
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        told = [(await frame(ann, "ticket"))["ticket"] for _ in range(2)]
        await bo.send_json({"type": "cancel"})
        told.append((await frame(ann, "ticket"))["ticket"])

    assert [ticket["status"] for ticket in told] == ["QUEUED", "PLACING", "QUEUED"]
    assert [ticket["ver"] for ticket in told] == [1, 2, 3]


async def test_who_connects_again_learns_of_the_ticket_they_wait_with(api: Api):
    async with api.connect("ann") as ws:
        await ws.send_json({"type": "enqueue", "queue": "duel"})
        queued = await frame(ws, "ticket")
    async with api.connect("ann") as ws:
        hello = await frame(ws, "hello")

    assert hello["ticket"]["id"] == queued["ticket"]["id"]


async def test_a_player_who_dropped_is_led_back_with_a_fresh_token(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        way = (await frame(ann, "assignment"))["assignment"]
    match, room = next(iter(api.rooms.held.items()))
    placement = Placement(
        match, FleetName("arena"), way["server"], room, way["address"], way["port"], 1
    )
    api.sessions.of["ann"] = PlayerSession(match, "active", placement)

    status, back = await api.ask("GET", "/v1/players/ann/session", key="dev-player:ann")
    assert status == 200
    assert back["assignment"]["match"] == way["match"]
    assert back["assignment"]["ticket"] == way["ticket"]
    assert back["assignment"]["token"] != way["token"]
    assert (await api.ask("GET", "/v1/players/ann/session", key="dev-player:bo"))[0] == 404
    assert (await api.ask("GET", "/v1/players/bo/session"))[0] == 404


async def test_a_player_whose_match_is_being_moved_is_asked_to_wait_and_not_sent_home(api: Api):
    async with api.connect("ann") as ann, api.connect("bo") as bo:
        for ws in (ann, bo):
            await ws.send_json({"type": "enqueue", "queue": "duel"})
        await frame(ann, "assignment")
    match = next(iter(api.rooms.held))
    api.sessions.of["ann"] = PlayerSession(match, "pending", None)

    status, answer = await api.ask("GET", "/v1/players/ann/session", key="dev-player:ann")
    async with api.connect("ann") as ann:
        hello = await frame(ann, "hello")

    assert (status, "being moved" in answer["detail"]) == (503, True)
    assert hello["session"] == match


async def test_bad_frames_are_answered_and_the_socket_goes_on(api: Api):
    async with api.connect("ann") as ws:
        for bad in ("{", '{"type":"dance"}', '{"type":"enqueue","queue":"chess"}'):
            await ws.send_str(bad)
            problem = (await frame(ws, "problem"))["problem"]
            assert problem["status"] == 400
        await ws.send_json({"type": "heartbeat"})
        await frame(ws, "heartbeat")
