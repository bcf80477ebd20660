"""Which keys a configuration lets in, and what `readyup keys` prints for it."""

import tomllib

import pytest

from core.clock import SystemClock
from core.errors import Invalid, Unauthorized
from matchmaker.api.settings import Backend, Issuer
from readyup.commands.serve import keys
from readyup.settings import ApiSettings, load
from readyup.wiring.keys import players_keys

CLOCK = SystemClock()
ISSUER = Issuer("https://id.test", "game", "https://id.test/keys")


async def test_a_laptop_has_development_keys():
    ring = players_keys(load(environ={}).api, CLOCK, environ={})

    assert (await ring.principal("dev-player:ann")).name == "ann"


async def test_with_issuers_and_no_word_of_them_there_are_no_development_keys():
    ring = players_keys(ApiSettings("0.0.0.0", issuers=(ISSUER,)), CLOCK, environ={})  # noqa: S104

    for key in ("dev-player:ann", "dev-backend", "rub_x", ""):
        with pytest.raises(Unauthorized):
            await ring.principal(key)


@pytest.mark.parametrize(
    ("api", "environ", "place"),
    [
        (ApiSettings(), {}, "$.api"),
        (ApiSettings("10.0.0.1", dev_keys=True, issuers=(ISSUER,)), {}, "$.api.host"),
        (ApiSettings(dev_keys=True), {"KUBERNETES_SERVICE_HOST": "x"}, "$.api.dev_keys"),
    ],
)
def test_doors_that_nobody_or_anybody_could_open_are_refused(api, environ, place: str):
    with pytest.raises(Invalid) as caught:
        players_keys(api, CLOCK, environ=environ)

    assert caught.value.field == place


async def test_a_new_key_of_a_back_end_opens_what_its_table_says(capsys):
    assert keys(backend="shop") == 0
    said = capsys.readouterr().out
    key = said.splitlines()[0].split()[1]
    (table,) = tomllib.loads(said.partition("\n")[2])["api"]["backends"]
    ring = players_keys(ApiSettings(backends=(Backend(**table),)), CLOCK, environ={})

    assert (await ring.principal(key)).owner() == "backend:shop"
    assert key not in said.partition("\n")[2]


def test_a_back_end_whose_name_will_not_do_is_told_so(capsys):
    assert keys(backend="the shop") == 1
    assert "1 to 64 letters" in capsys.readouterr().err
