"""Options that cannot be meant are refused before the work, with their name and a cure."""

from pathlib import Path

import pytest

from core.errors import Invalid
from readyup.commands.options import refuse_file, refuse_folder, refuse_port, refuse_url


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
def test_a_number_that_is_no_port_is_refused(port: int):
    with pytest.raises(Invalid, match=f"--api-port: {port} is no port; write 0"):
        refuse_port("--api-port", port)


@pytest.mark.parametrize("port", [None, 0, 1, 65_535])
def test_a_port_is_taken(port: int | None):
    refuse_port("--api-port", port)


def test_a_file_that_can_be_written_is_taken(tmp_path: Path):
    for path in (None, Path("-"), tmp_path / "new.json"):
        refuse_file("--json", path)
    assert not (tmp_path / "new.json").exists()


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(Invalid, match=r"--json: .* is a folder; name a file in it"):
        refuse_file("--json", tmp_path)


def test_a_file_in_no_folder_is_refused(tmp_path: Path):
    with pytest.raises(Invalid, match=r"--json: there is no folder .*/gone; make it first"):
        refuse_file("--json", tmp_path / "gone" / "report.json")


def test_a_file_below_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="there is no folder"):
        refuse_file("--json", tmp_path / "file" / "report.json")


def test_a_folder_is_made(tmp_path: Path):
    refuse_folder("--dir", tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match=r"--dir: .*file/run cannot be made \(Not a directory\)"):
        refuse_folder("--dir", tmp_path / "file" / "run")


@pytest.mark.parametrize("url", ["x", "127.0.0.1:8082", "ws://h:1", "http://", "http://h:0"])
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(Invalid, match=r"--url: '.*' is no address; write http://HOST:PORT"):
        refuse_url("--url", url)


def test_a_port_beyond_the_last_is_refused_in_an_address_too():
    with pytest.raises(Invalid, match=r"--url: 'http://h:99999' is no address .*out of range"):
        refuse_url("--url", "http://h:99999")
