"""What receipts tell of a queue's matches."""

from matchmaker.engine.receipt import Receipt
from readyup.console.goodness import RECENT, Relaxed, goodness
from readyup.console.reading import QueueReading, estimate_of
from readyup.console.story import QueueStory


def matched(quality: float, *in_force: str) -> Receipt:
    return Receipt("1", quality=quality, in_force=in_force)


def test_a_queue_without_a_match_has_no_quality():
    assert goodness([]) is None


def test_matches_are_counted_by_the_tenth_of_their_quality():
    found = goodness([matched(one) for one in (0.05, 0.31, 0.39, 0.95, 1.0)])

    assert found is not None
    assert found.counts == (1, 0, 0, 2, 0, 0, 0, 0, 0, 2)
    assert (found.matches, found.p10, found.p50, found.p90) == (5, 0.05, 0.39, 1.0)


def test_what_was_relaxed_is_told_with_its_range_the_most_frequent_first():
    found = goodness(
        [
            matched(0.5, "near.maxLatency is 120", "tank.minCount is 0"),
            matched(0.5, "near.maxLatency is 220"),
            matched(0.5, "algorithm.strategy is balanced"),
        ]
    )

    assert found is not None
    assert found.relaxed == (
        Relaxed("near.maxLatency", "120 to 220", 2),
        Relaxed("tank.minCount", "0", 1),
        Relaxed("algorithm.strategy", "balanced", 1),
    )


def test_only_announced_matches_count_and_of_those_the_newest():
    story = QueueStory("duel")
    for n in range(RECENT + 5):
        told = {"match": f"duel.{n}", "tickets": [], "t": n}
        receipt = f'{{"rules":"1","quality":{0.25 if n < 4 else 0.75}}}'
        story.apply({"k": "match.proposed", "receipt": receipt, **told})
        if n != RECENT:
            story.apply({"k": "match.announced", **told})

    assert [one.quality for one in story.receipts] == [0.75] * RECENT


def test_a_match_asks_until_its_players_have_accepted():
    story = QueueStory("duel")
    story.apply(
        {"k": "match.proposed", "t": 1, "match": "duel.m", "tickets": [], "accept_by_ms": 9}
    )
    asking = story.match("duel.m").asks_until_ms
    story.apply({"k": "match.accepted", "t": 2, "match": "duel.m"})

    assert (asking, story.match("duel.m").asks_until_ms) == (9, 0)


def test_a_newcomers_wait_is_read_from_the_published_curve():
    estimate = estimate_of("[0.8,0.4,0.05]")

    assert estimate is not None
    assert 0.0 < estimate.p50 <= (estimate.p90 or 0.0)
    assert estimate_of(None) is None
    assert estimate_of("nonsense") is None
    assert QueueReading().estimate is None
