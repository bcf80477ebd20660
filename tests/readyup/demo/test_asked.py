"""What is asked of a run is refused early, and its folder stays where it is of use."""

from pathlib import Path

import pytest

from core.errors import Invalid
from readyup.bots.burst import Burst
from readyup.demo.asked import asked_burst, chaos_roles, refuse_numbers, run_folder, sized
from readyup.settings import load


@pytest.mark.parametrize(
    ("players", "servers", "duration", "said"),
    [
        (0, None, None, "--players: 0"),
        (1, 0, None, "--servers: 0"),
        (1, 1, 0.0, "--duration: 0"),
        (1, 1, float("nan"), "--duration: nan"),
    ],
)
def test_numbers_that_make_no_run_are_refused(players, servers, duration, said: str):
    with pytest.raises(Invalid, match=said):
        refuse_numbers(players, servers, duration)


def test_roles_are_read_between_commas():
    assert chaos_roles(" api, director ,") == ("api", "director")
    with pytest.raises(Invalid, match="no role 'valkey'; there are: director"):
        chaos_roles("api,valkey")


def test_every_fleet_has_as_many_servers_as_asked_and_no_more_reserve_than_rooms():
    (fleet,) = sized(load(environ={}), 2).fleets

    assert (fleet.replicas, fleet.reserve, fleet.capacity) == (2, 6, None)


def test_a_burst_is_read_and_comes_while_somebody_plays():
    assert asked_burst("50@20", 30.0) == asked_burst("50@20", 0.0) == Burst(50, 20.0)
    assert asked_burst("", 30.0) is None
    with pytest.raises(Invalid, match="second 20 is after the end; --duration is 20"):
        asked_burst("50@20", 20.0)
    for wrong in ("50", "0@20", "50@", "-3@20", "5000@20", "50@20@3"):
        with pytest.raises(Invalid, match="50@20 is 50 matches at second 20"):
            asked_burst(wrong, 30.0)


def test_more_servers_than_ports_are_refused_by_the_name_of_the_option():
    with pytest.raises(Invalid, match=r"--servers: 101 do not fit: .* 100 ports .7100-7199."):
        sized(load(environ={}), 101)


def test_a_run_in_a_clone_is_kept_below_dot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "readyup").mkdir()
    (tmp_path / "readyup" / "embedded.toml").touch()
    monkeypatch.chdir(tmp_path)
    folder, stays = run_folder(None)

    assert (folder.parent, stays) == (tmp_path / ".run", True)


def test_a_run_elsewhere_is_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    folder, stays = run_folder(None)
    folder.rmdir()

    assert folder.parent != tmp_path
    assert not stays


def test_a_folder_that_was_asked_for_stays(tmp_path: Path):
    assert run_folder(tmp_path) == (tmp_path, True)


def test_the_log_of_another_run_is_not_written_on(tmp_path: Path):
    (tmp_path / "history.jsonl").touch()
    with pytest.raises(Invalid, match="the log of another run; remove"):
        run_folder(tmp_path)
