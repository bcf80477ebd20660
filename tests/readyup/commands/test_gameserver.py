"""A server started by hand with half of what it needs is told the option that is missing."""

import pytest

from readyup.commands.gameserver import gameserver

WHOLE = {"register": "http://127.0.0.1:8082", "fleet": "workshop", "key": "rus_x", "port": 7300}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"register": ""}, "by hand it needs --register"),
        ({"register": "127.0.0.1:8082"}, "--register: '127.0.0.1:8082' is no address"),
        ({"register": "http://127.0.0.1:99999"}, "--register: 'http://127.0.0.1:99999' is no"),
        ({"fleet": ""}, "--fleet is missing"),
        ({"key": ""}, "--key is missing; `readyup keys --fleet` makes a key"),
        ({"port": 0}, "--port: 0 is none that players could be told"),
        ({"port": 99_999}, "--port: 99999 is none"),
        ({"rooms": 0}, "--rooms: 0 is outside 1 to 1024"),
        ({"address": ""}, "--address: write where"),
    ],
)
def test_what_is_missing_is_named_as_it_is_written(
    change: dict, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("READYUP_SERVER_NAME", raising=False)
    code = gameserver(**(WHOLE | change))

    assert code == 1
    assert f"readyup gameserver: {said}" in capsys.readouterr().err
