"""Leadership on a real Valkey: one leader at a time, and each term with a higher epoch."""

from core.eventlog import decode
from core.lease import LEASE_MS, Lease
from core.redis import Store
from tests.core.clocks import HandClock


def candidate(store: Store, holder: str, clock: HandClock) -> Lease:
    return Lease(store, "{q:g}:leader", "{q:g}:log", holder, clock)


async def elections(store: Store) -> list[tuple[int, str]]:
    log = [decode(entry) for entry in await store.read_stream("{q:g}:log", "0", block_ms=1)]
    assert {event["k"] for event in log} <= {"leader.elected"}
    return [(event["epoch"], event["holder"]) for event in log]


async def test_the_first_who_asks_leads_and_the_other_waits(store: Store):
    clock = HandClock()
    ann, bo = candidate(store, "ann", clock), candidate(store, "bo", clock)

    assert await ann.renew() == 1
    assert await bo.renew() == 0
    assert (ann.leads(), bo.leads()) == (True, False)


async def test_whoever_renews_in_time_keeps_the_epoch(store: Store):
    clock = HandClock()
    ann, bo = candidate(store, "ann", clock), candidate(store, "bo", clock)
    await ann.renew()
    for _ in range(5):
        clock.now_ms += LEASE_MS - 1

        assert await ann.renew() == 1
        assert await bo.renew() == 0
    assert await elections(store) == [(1, "ann")]


async def test_a_lease_that_ran_out_goes_to_the_other_at_a_higher_epoch(store: Store):
    clock = HandClock()
    ann, bo = candidate(store, "ann", clock), candidate(store, "bo", clock)
    await ann.renew()
    clock.now_ms += LEASE_MS

    assert await bo.renew() == 2
    assert await ann.renew() == 0
    assert (ann.leads(), bo.leads()) == (False, True)
    assert await elections(store) == [(1, "ann"), (2, "bo")]


async def test_a_leader_that_came_back_too_late_begins_a_new_term(store: Store):
    clock = HandClock()
    ann = candidate(store, "ann", clock)
    await ann.renew()
    clock.now_ms += LEASE_MS

    assert await ann.renew() == 2
    assert await elections(store) == [(1, "ann"), (2, "ann")]


async def test_a_paused_leader_stops_believing_before_redis_does(store: Store):
    clock = HandClock()

    class Slow:
        """The answer takes half the lease to come back."""

        async def run(self, script, keys, args):
            clock.now_ms += LEASE_MS // 4
            reply = await store.run(script, keys, args)
            clock.now_ms += LEASE_MS // 4
            return reply

    slow = Slow()
    slow.durably = slow
    ann = Lease(slow, "{q:g}:leader", "{q:g}:log", "ann", clock)
    asked_ms = clock.now_ms
    await ann.renew()
    until_ms = int(await store.call("HGET", "{q:g}:leader", "until_ms"))
    assert ann.leads()
    clock.now_ms = asked_ms + LEASE_MS

    assert clock.now_ms <= until_ms
    assert not ann.leads()


async def test_giving_up_lets_the_other_lead_at_once(store: Store):
    clock = HandClock()
    ann, bo = candidate(store, "ann", clock), candidate(store, "bo", clock)
    await ann.renew()
    await ann.give_up()

    assert not ann.leads()
    assert await bo.renew() == 2
    assert await elections(store) == [(1, "ann"), (2, "bo")]


async def test_giving_up_what_another_holds_changes_nothing(store: Store):
    clock = HandClock()
    ann, bo = candidate(store, "ann", clock), candidate(store, "bo", clock)
    await ann.renew()
    await bo.give_up()

    assert await ann.renew() == 1
    assert await bo.renew() == 0


async def test_a_namesake_in_another_term_is_fenced_by_the_epoch_alone(store: Store):
    """Two processes by one name share a lease; the epoch, not the name, keeps order."""
    clock = HandClock()
    old, new = candidate(store, "ann", clock), candidate(store, "ann", clock)
    await old.renew()
    clock.now_ms += LEASE_MS
    await new.renew()

    assert (old.epoch, new.epoch) == (1, 2)
    assert not old.leads()
