"""What the streams tell, folded."""

from readyup.console.story import MATCHES_MAX, TICKETS_MAX, QueueStory, Story


def enqueued(ticket: str, t: int, mmr: float = 1500.0, size: int = 1) -> dict[str, object]:
    players = [f"{ticket}-{n}" for n in range(size)]
    return {
        "k": "ticket.enqueued",
        "t": t,
        "ticket": ticket,
        "players": players,
        "mmr": mmr,
        "size": size,
    }


def two_waiting() -> Story:
    story = Story.of(["duel"])
    story.queues["duel"].apply(enqueued("duel.a", 1_000, mmr=1400))
    story.queues["duel"].apply(enqueued("duel.b", 3_000, mmr=1600))
    return story


def test_an_announced_ticket_has_waited_from_its_enqueueing_to_its_announcement():
    story = two_waiting()
    duel = story.queues["duel"]
    tickets = ["duel.a", "duel.b"]
    duel.apply({"k": "match.proposed", "t": 4_000, "match": "duel.m", "tickets": tickets})
    formed = {"match": "duel.m", "tickets": tickets, "formed_us": "4000500"}
    duel.apply({"k": "match.announced", "t": 4_003, "server": "uid-1", **formed})

    assert duel.waiting == {}
    assert sorted(duel.waits_ms.samples(5, 1)) == [1003.0, 3003.0]
    assert duel.places_ms.samples(5, 1) == [2.5]


def test_a_ticket_that_leaves_without_a_match_is_no_longer_drawn():
    duel = two_waiting().queues["duel"]
    duel.apply({"k": "ticket.cancelled", "t": 4_000, "ticket": "duel.a"})
    duel.apply({"k": "ticket.expired", "t": 4_000, "ticket": "duel.b", "reason": "absent"})

    assert duel.waiting == {}
    assert duel.waits_ms.samples(10, 10) == []


def test_a_ticket_whose_rating_changed_is_drawn_at_its_new_place():
    duel = two_waiting().queues["duel"]
    duel.apply({"k": "ticket.updated", "t": 3_500, "ticket": "duel.a", "ver": 2, "mmr": 1450})

    assert duel.waiting["duel.a"].mmr == 1450.0
    assert duel.waiting["duel.a"].enqueued_ms == 1_000


def test_a_closed_matchs_tickets_wait_on():
    duel = two_waiting().queues["duel"]
    tickets = ["duel.a", "duel.b"]
    duel.apply({"k": "match.proposed", "t": 4_000, "match": "duel.m", "tickets": tickets})
    closed = {"k": "match.closed", "t": 4_010, "match": "duel.m", "reason": "cancelled"}
    duel.apply({**closed, "tickets": ["duel.b"]})

    assert set(duel.waiting) == {"duel.a", "duel.b"}
    assert duel.match("duel.m").closed == "cancelled"


def test_a_match_carries_the_mean_rating_of_each_team():
    duel = two_waiting().queues["duel"]
    teams = {"red": [["duel.a", "p1"]], "blue": [["duel.b", "p2"]]}
    duel.apply({"k": "match.committed", "t": 4_000, "match": "duel.m", "teams": teams})

    assert duel.match("duel.m").teams == (1600.0, 1400.0)


def test_the_fleets_events_move_the_match_of_their_queue_on():
    story = two_waiting()
    story.apply_fleet({"k": "match.waiting", "t": 4_001, "match": "duel.m"})
    held = {"match": "duel.m", "room": "uid-1/0", "server": "uid-1"}
    story.apply_fleet({"k": "room.claimed", "t": 4_005, **held})
    story.apply_fleet({"k": "room.acked", "t": 4_030, **held})
    story.apply_fleet({"k": "room.added", "t": 4_031, "room": "uid-2/0", "server": "uid-2"})
    forming = story.queues["duel"].match("duel.m")

    assert (forming.in_line_ms, forming.held_ms, forming.acked_ms) == (4_001, 4_005, 4_030)
    assert forming.server == "uid-1"


def test_newcomers_to_a_running_match_have_waited_and_are_no_match():
    duel = two_waiting().queues["duel"]
    duel.apply({"k": "match.proposed", "t": 500, "match": "duel.m", "tickets": []})
    fill = {"match": "duel.f", "of": "duel.m", "tickets": ["duel.a"]}
    seats = {"red": [["duel.a", "p1"]]}
    receipt = '{"rules":"1","quality":0.5}'
    duel.apply({"k": "match.proposed", "t": 4_000, "receipt": receipt, **fill})
    duel.apply({"k": "match.committed", "t": 4_001, "teams": seats, **fill})
    duel.apply({"k": "match.announced", "t": 4_003, "formed_us": "4000500", **fill})

    assert list(duel.matches) == ["duel.m"]
    assert (duel.announced.count(5, 5), duel.places_ms.samples(5, 5)) == (0, [])
    assert not duel.receipts
    assert duel.waits_ms.samples(5, 1) == [3003.0]
    assert list(duel.waiting) == ["duel.b"]


def test_the_end_of_a_match_that_was_forgotten_makes_no_match():
    story = Story.of(["duel"])
    queue = story.queues["duel"]
    queue.apply({"k": "match.accepted", "t": 1, "match": "duel.m"})
    queue.apply({"k": "match.ended", "t": 1, "match": "duel.m"})
    queue.apply({"k": "match.closed", "t": 1, "match": "duel.n", "reason": "cancelled"})
    for kind in ("room.acked", "room.released", "session.filled", "session.ended"):
        story.apply_fleet({"k": kind, "t": 1, "match": "duel.m", "room": "u/0", "server": "u"})

    assert not queue.matches


def test_an_endless_evening_is_remembered_in_bounds():
    story = QueueStory("duel")
    for n in range(TICKETS_MAX + 5):
        story.apply(enqueued(f"duel.{n}", 1_000 + n))
    for n in range(MATCHES_MAX + 5):
        story.apply({"k": "match.proposed", "t": n, "match": f"duel.m{n}", "tickets": []})

    assert len(story.waiting) == TICKETS_MAX
    assert "duel.0" not in story.waiting
    assert len(story.matches) == MATCHES_MAX
    assert story.newest(1)[0].match == f"duel.m{MATCHES_MAX + 4}"
