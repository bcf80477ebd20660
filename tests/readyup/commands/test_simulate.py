"""``readyup simulate`` as it is typed."""

import sys

import pytest

from readyup.commands import simulate

pytest.importorskip("fakeredis")


@pytest.mark.parametrize("terminal", [True, False])
def test_on_a_terminal_it_says_how_far_it_is(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(simulate, "PROGRESS_S", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)

    simulate.simulate(minutes=0.02, players=1, servers=1, directors=1)

    assert (" of 1 virtual seconds" in capsys.readouterr().err) is terminal
