"""What a match lacks: who is awaited, who is gone, and what is said about it."""

from core.ids import PlayerId, TicketId
from core.placement import SeatedPlayer
from gameserver.vacancies import NOBODY, Request, Vacancies

ANN, BOB, CY = (PlayerId(name) for name in ("ann", "bob", "cy"))
BOTH = tuple(
    SeatedPlayer(player, TicketId(f"duel.{player}"), team, 0)
    for player, team in ((ANN, "red"), (BOB, "blue"))
)


def said(
    lacks: Vacancies, now_s: float, players: tuple[SeatedPlayer, ...] = BOTH
) -> Request | None:
    return lacks.to_say(players, now_s, rejoin_s=5.0, again_s=2.0)


def test_a_link_that_comes_back_in_time_was_never_a_leaver():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)

    assert said(lacks, 4.9) is None
    lacks.back(BOB)
    assert said(lacks, 9.0) is None
    assert lacks.leavers(9.0, rejoin_s=5.0) == []


def test_who_stays_away_has_an_open_seat_that_is_said_until_it_is_answered():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)

    wanted = Request({"blue": 1}, (BOB,))
    assert said(lacks, 5.0) == wanted
    assert said(lacks, 5.1) is None
    assert said(lacks, 7.0) == wanted
    lacks.answered(lacks.n, "open")
    assert said(lacks, 20.0) is None


def test_while_newcomers_are_on_their_way_it_is_asked_again():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)
    wanted = said(lacks, 5.0)

    lacks.answered(lacks.n, "filling")

    assert said(lacks, 7.0) == wanted


def test_who_returns_late_takes_the_request_back():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)
    assert said(lacks, 5.0)
    lacks.answered(lacks.n, "open")

    lacks.back(BOB)

    assert said(lacks, 6.0) == NOBODY


def test_who_was_replaced_is_a_leaver_and_the_newcomer_is_not():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)
    newcomer = SeatedPlayer(CY, TicketId("duel.cy"), "blue", 0)

    lacks.seated((BOTH[0], newcomer))

    assert lacks.was_replaced(BOB)
    assert lacks.leavers(9.0, rejoin_s=5.0) == [BOB]
    assert said(lacks, 9.0, (BOTH[0], newcomer)) is None


def test_what_the_game_asks_for_comes_before_what_we_see():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)

    lacks.ask({"red": 2, "blue": 0}, [BOB])

    assert said(lacks, 6.0) == Request({"red": 2}, (BOB,), automatic=False)


def test_a_queue_that_does_not_want_it_is_asked_once():
    lacks = Vacancies()
    lacks.left(BOB, 0.0)
    assert said(lacks, 5.0)
    lacks.answered(lacks.n, "off")
    lacks.left(ANN, 5.0)

    assert said(lacks, 30.0) is None
