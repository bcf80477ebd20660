"""Which free room is handed out before which."""

from dataclasses import replace

from hypothesis import given, strategies as st

from allocator.pool import Pool
from allocator.rank import emptiest_first, misplaced, played_on, ranks
from allocator.refill import plan_reserve
from allocator.rooms import Census
from allocator.settings import AllocatorSettings
from core.game_server import PINNED_LABEL, ServerView, State
from core.ids import RoomId, ServerUid, room_id
from core.redis import Store
from tests.allocator.worlds import FLEET, NOW, order, room, server

NOBODY: frozenset[ServerUid] = frozenset()


def on(node: str, name: str, *, proven: bool = True, rooms: int = 1) -> ServerView:
    labels = {PINNED_LABEL: "true" if proven else "false", "readyup/claim": f"refill-{name}"}
    view = replace(server(name), address=node, labels=labels, rooms=rooms)
    return replace(view, state=State.ALLOCATED)


def first_to_last(views: list[ServerView], played: set[str], late: set[str] = set()) -> list[str]:  # noqa: B006 - never written to
    placed = ranks(
        views,
        frozenset(ServerUid(f"uid-{name}") for name in played),
        frozenset(ServerUid(f"uid-{name}") for name in late),
    )
    return [str(uid)[4:] for uid, _ in sorted(placed.items(), key=lambda one: (one[1], one[0]))]


def census(free: dict[ServerUid, int], held: list[ServerUid] | None = None) -> Census:
    rooms = {room_id(uid, 0): rank for uid, rank in free.items()}
    busy = [room_id(uid, 0) for uid in held or ()]
    return Census(
        rooms=frozenset([*rooms, *busy]),
        free=frozenset(rooms),
        retiring=frozenset(),
        suspect={},
        waiting=0,
        greeted=frozenset(),
        ranks=rooms,
    )


def test_a_server_that_is_played_on_is_filled_then_its_node_then_an_empty_one():
    views = [on("n1", "a"), on("n2", "b"), on("n2", "c"), on("n2", "d")]

    assert first_to_last(views, played={"c"}) == ["c", "b", "d", "a"]


def test_proven_cores_come_before_packing_and_late_ticks_after_everything():
    views = [on("n1", "a"), on("n2", "b", proven=False), on("n2", "c"), on("n3", "d")]

    assert first_to_last(views, played={"b", "c"}, late={"c"}) == ["a", "d", "b", "c"]


def test_on_one_node_nothing_moves_when_the_first_match_begins():
    views = [on("n1", "a"), on("n1", "b")]
    idle, busy = ranks(views, NOBODY, NOBODY), ranks(views, frozenset({views[0].uid}), NOBODY)

    assert busy[views[1].uid] == idle[views[1].uid]


def test_only_rooms_that_stand_wrongly_are_moved():
    views = [on("n1", "a"), on("n2", "b")]
    wanted = ranks(views, frozenset({views[0].uid}), NOBODY)
    a, b = (view.uid for view in views)

    assert misplaced(census(wanted), wanted) == {}
    assert misplaced(census({**wanted, b: 7}), wanted) == {room_id(b, 0): wanted[b]}
    assert wanted[a] != wanted[b]


def test_who_is_played_on_is_told_by_the_rooms():
    a, b = ServerUid("a"), ServerUid("b")

    assert played_on(census({a: 0}, held=[b])) == {b}


def test_surplus_leaves_the_emptiest_nodes_first():
    views = [on("n1", "a"), on("n1", "b"), on("n2", "c"), on("n3", "d"), on("n3", "e")]
    played = frozenset({ServerUid("uid-b"), ServerUid("uid-d"), ServerUid("uid-e")})

    said = emptiest_first([view.uid for view in views[:3]], views, played)
    plan = plan_reserve(
        census({views[0].uid: 0, views[2].uid: 0}, held=[views[1].uid]),
        views[:3],
        (),
        AllocatorSettings(FLEET, reserve_rooms=1),
        now_ms=NOW,
    )

    assert said == ["uid-c", "uid-a", "uid-b"]
    assert plan.surplus == ["uid-c"]


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.booleans(), st.booleans()), max_size=9),
)
def test_every_server_has_one_rank_and_late_ones_stand_behind_all_others(
    shapes: list[tuple[str, bool, bool]],
):
    views = [on(node, str(n), proven=proven) for n, (node, proven, _) in enumerate(shapes)]
    late = {view.uid for view, (_, _, is_late) in zip(views, shapes, strict=True) if is_late}

    placed = ranks(views, frozenset(view.uid for view in views[::2]), late)

    assert placed.keys() == {view.uid for view in views}
    punctual = [rank for uid, rank in placed.items() if uid not in late]
    assert all(placed[uid] > rank for uid in late for rank in punctual)


async def test_the_pool_hands_out_by_rank_and_among_equals_the_longest_free(store: Store):
    pool = Pool(store, FLEET)
    for n, (name, rank) in enumerate((("a", 5), ("b", 1), ("c", 1), ("d", 0))):
        await pool.add_room(replace(room(name), rank=rank), now_ms=NOW + n)
    await pool.rank(RoomId("d/0"), 8)

    handed = [await pool.claim(order(str(n)), now_ms=NOW + 9) for n in range(4)]

    assert [one and str(one.server) for one in handed] == ["b", "c", "a", "d"]
    assert (await pool.census()).ranks == {}
