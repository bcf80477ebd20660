"""``readyup operator`` against a real console: what it does, says, and refuses."""

import asyncio
import json

import pytest

from core.redis import Store
from readyup.commands.operator import TOKEN, operator
from readyup.operators.roles import Role
from tests.readyup.operators.house import NOBODY, T1, TOKENS, UID, M, Running, served


class Shell:
    """Runs the command beside the console it speaks to."""

    def __init__(self, running: Running, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = running.origin
        self._capsys = capsys

    async def run(self, *words: str, **options: str | bool) -> tuple[int, str, str]:
        """Exit code, output and complaint."""
        url = {"url": self._url} | options
        code = await asyncio.to_thread(lambda: operator(*words, **url))  # type: ignore[arg-type]
        said = self._capsys.readouterr()
        # The console logs each change to the same place here.
        out = [line for line in said.out.splitlines() if "operator.change" not in line]
        return code, "\n".join(out).strip(), said.err.strip()


async def test_each_action_does_what_it_says_and_the_audit_lists_it(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(TOKEN, TOKENS[Role.OPERATOR])
    async with served(store) as running:
        await running.house.play()
        await running.house.feed.poll()
        shell = Shell(running, capsys)
        told = [
            (await shell.run("pause", "queue/duel", reason="patch"))[1],
            (await shell.run("resume", "queue/duel"))[1],
            (await shell.run("pause", "fleet/arena"))[1],
            (await shell.run("end", M))[1],
            (await shell.run("retire", UID))[1],
        ]
        code, _, wrong = await shell.run("cancel", T1)
        _, audit, _ = await shell.run("audit")
        _, raw, _ = await shell.run("whoami", json=True)

    assert told[0] == "duel: going -> paused"
    assert told[1] == "duel: paused -> going"
    assert told[2] == "arena: going -> paused"
    assert told[3].endswith("pending -> stopped")
    assert told[4].endswith("serving -> retiring, 0 to finish")
    assert code == 1
    assert "COMPLETED already" in wrong
    assert audit.splitlines()[-1].endswith("done     patch")
    assert json.loads(raw)["name"] == "the-operator"


async def test_where_nobody_signs_in_no_token_is_needed(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(TOKEN, raising=False)
    async with served(store, NOBODY) as running:
        await running.house.enqueue(T1)
        await running.house.feed.poll()
        code, out, _ = await Shell(running, capsys).run("cancel", f"duel.{T1[-8:]}")

    assert (code, out) == (0, f"{T1}: QUEUED -> CANCELLED")


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("pause", "duel"), "queue/NAME"),
        (("pause",), "--help"),
        (("end", "duel.00000009"), "no match"),
        (("cancel", "00000009"), "after the dot are enough: duel.0643dcb1"),
        (("whoami",), TOKEN),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_cure(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    cure: str,
):
    monkeypatch.delenv(TOKEN, raising=False)
    if cure != TOKEN:
        monkeypatch.setenv(TOKEN, TOKENS[Role.ADMIN])
    async with served(store) as running:
        code, _, wrong = await Shell(running, capsys).run(*words)

    assert code == 1
    assert cure in wrong
