"""The command: every verb is listed with what it is for, and costs nothing until it is run."""

import subprocess
import sys

import pytest

from readyup.cli import VERBS, made, main


def run(*words: str) -> str:
    asked = [sys.executable, *words]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def test_help_lists_every_verb_with_what_it_is_for():
    said = " ".join(run("-m", "readyup", "--help").replace("│", " ").split())

    for name, (_, what_for) in VERBS.items():
        assert f"{name} {what_for}" in said


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_more_of_itself_than_its_line(verb: str, capsys: pytest.CaptureFixture[str]):
    made(listed=False)([verb, "--help"], result_action="return_value")
    said = capsys.readouterr().out

    assert len(said.splitlines()) > 5
    assert "--no-" not in said


def test_listing_the_verbs_imports_none():
    script = (
        "import sys\n"
        "from readyup.cli import made\n"
        "made(listed=True)(['--help'], result_action='return_value')\n"
        "print([name for name in sys.modules if name.startswith('readyup.commands.')])"
    )

    assert run("-c", script).endswith("[]\n")


def test_ctrl_c_while_a_verb_is_imported_ends_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    class Impatient:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "readyup.commands.sdk_server":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "readyup.commands.sdk_server", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Impatient(), *sys.meta_path])
    monkeypatch.setattr(sys, "argv", ["readyup", "sdk-server"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")
