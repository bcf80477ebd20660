"""What is wrong in a configuration is told with its place and its cure."""

import json
from pathlib import Path

import pytest

from core.errors import Invalid
from readyup.settings import load, parse
from tests.readyup.configured import changed, issuer, table


@pytest.mark.parametrize(
    ("change", "place", "cure"),
    [
        (lambda t: t.update(quues={}), "$.quues", "did you mean 'queues'?"),
        (lambda t: t.update(source="x"), "$.source", "no such setting"),
        (lambda t: t.update(api={"prot": 1}), "$.api.prot", "did you mean 'port'?"),
        (lambda t: t.update(store={"uri": "x"}), "$.store.uri", "did you mean 'url'?"),
        (lambda t: t.update(api={"issuers": [issuer(audiense="x")]}), "$.api.issuers[0].audiense",
         "did you mean 'audience'?"),
        (lambda t: t.update(api={"backends": [{}, {"key_sha": "x"}]}), "$.api.backends[1].key_sha",
         "did you mean 'key_sha256'?"),
        (lambda t: t.update(api={"limits": {"create_per_s": 1}}), "$.api.limits.create_per_s",
         "did you mean 'creates_per_s'?"),
        (lambda t: t["queues"]["duel"].update(team_sizes=1), "$.queues.duel.team_sizes",
         "did you mean 'team_size'?"),
        (lambda t: t["queues"]["duel"].update(ruls={}), "$.queues.duel.ruls", "no such setting"),
        (lambda t: t["queues"]["duel"].update(window={"begin": 1}), "$.queues.duel.window.begin",
         "known are end, per_s, start"),
        (lambda t: t["fleets"]["arena"].update(replica=1), "$.fleets.arena.replica",
         "did you mean 'replicas'?"),
        (lambda t: t["fleets"]["arena"].update(health={"period": 1}),
         "$.fleets.arena.health.period", "did you mean 'period_s'?"),
    ],
)  # fmt: skip
def test_a_setting_that_does_not_exist_is_told_the_nearest(change, place: str, cure: str):
    with pytest.raises(Invalid) as caught:
        parse(changed(change))

    assert caught.value.field == place
    assert str(caught.value).startswith(f"{place}: ")
    assert cure in str(caught.value)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (lambda t: t.update(queues={}), "$.queues", "write [queues.NAME]"),
        (lambda t: t.update(queues=[]), "$.queues", "is not a table"),
        (lambda t: t.update(fleets=[]), "$.fleets", "is not a table"),
        (lambda t: t.update(api=7), "$.api", "is not a table"),
        (lambda t: t.update(api={"port": "http"}), "$.api.port", "must be a whole number"),
        (lambda t: t.update(api={"port": 65_536}), "$.api.port", "65535"),
        (lambda t: t.update(api={"host": 7}), "$.api.host", "must be text"),
        (lambda t: t.update(console={"host": "0.0.0.0"}),  # noqa: S104
         "$.console.host", "there are no operators"),
        (lambda t: t.update(console={"host": "console.test"}), "$.console.host", "ssh -L"),
        (lambda t: t.update(api={"proxies": 11}), "$.api.proxies", "outside 0-10"),
        (lambda t: t.update(api={"issuers": 7}), "$.api.issuers", "must be a list"),
        (lambda t: t.update(api={"limits": {"body_s": 0}}), "$.api.body_s", "not above 0"),
        (lambda t: t.update(api={"issuers": [issuer(), issuer()]}), "$.api.issuers",
         "'https://id.test' is there twice"),
        (lambda t: t.update(api={"issuers": [issuer(), issuer(issuer="https://b.test")]}),
         "$.api.issuers", "plain_ids = false for the others"),
        (lambda t: t.update(api={"issuers": [issuer(algorithms=["HS256"])]}), "$.api.algorithms",
         "EdDSA, RS256, ES256"),
        (lambda t: t.update(api={"issuers": [issuer(algorithms=[])]}), "$.api.algorithms",
         "choose of"),
        (lambda t: t.update(api={"issuers": [issuer(audience="")]}), "$.api.issuer",
         "must not be empty"),
        (lambda t: t.update(api={"issuers": [issuer(jwks_url="http://id.test/keys")]}),
         "$.api.jwks_url", "write https://"),
        (lambda t: t.update(api={"issuers": [issuer(jwks_url="file:///etc/keys")]}),
         "$.api.jwks_url", "write https://"),
        (lambda t: t.update(api={"backends": [{"name": "a b", "key_sha256": "0" * 64}]}),
         "$.api.name", "1 to 64 letters"),
        (lambda t: t.update(api={"backends": [{"name": "a", "key_sha256": "rub_secret"}]}),
         "$.api.key_sha256", "readyup keys --backend NAME"),
        (lambda t: t.update(store={"durability": "disk"}), "$.store.durability", "disk"),
        (lambda t: t.update(store={"url": "db:6379"}), "$.store.url", "redis://"),
        (lambda t: t.update(events="no"), "$.events", "must be true or false"),
        (lambda t: t.update(run_dir=7), "$.run_dir", "must be text"),
        (lambda t: t["queues"].update(duel=7), "$.queues.duel", "is not a table"),
        (lambda t: t["queues"]["duel"].pop("teams"), "$.queues.duel.teams", "is missing"),
        (lambda t: t["queues"]["duel"].update(fleet="arean"), "$.queues.duel.fleet",
         "no fleet 'arean'; there are: arena"),
        (lambda t: t.update(fleets={}), "$.queues.duel.fleet", "write [fleets.NAME] first"),
        (lambda t: t["queues"]["duel"].update(team_size="five"), "$.queues.duel.team_size",
         "must be a whole number, not text"),
        (lambda t: t["queues"]["duel"].update(team_size=0), "$.queues.duel.team_size", "1 to 100"),
        (lambda t: t["queues"]["duel"].update(teams=["red", "red"]), "$.queues.duel.teams",
         "each once"),
        (lambda t: t["queues"]["duel"].update(window={"start": "x"}), "$.queues.duel.window.start",
         "must be a number"),
        (lambda t: t["queues"]["duel"].update(window=5), "$.queues.duel.window", "must be a table"),
        (lambda t: t["queues"]["duel"].update(on_duplicate="x"), "$.queues.duel.on_duplicate", "x"),
        (lambda t: t["queues"].update({"Duel!": t["queues"].pop("duel")}), "$.queues.Duel!.name",
         "must match"),
        (lambda t: t["fleets"]["arena"].update(ports="7009-7000"), "$.fleets.arena.ports",
         "ends before it begins"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_place(change, place: str, said: str):
    with pytest.raises(Invalid) as caught:
        parse(changed(change))

    assert caught.value.field == place
    assert said in str(caught.value)


@pytest.mark.parametrize("port", ["http", "²", "-1", "70000"])
def test_a_wrong_value_in_the_environment_is_told_with_its_place(port: str):
    with pytest.raises(Invalid) as caught:
        load(environ={"READYUP_API_PORT": port})

    assert caught.value.field == "$.api.port"


def test_the_environment_cannot_mend_a_section_that_is_no_table(tmp_path: Path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**table(), "api": 7}))

    with pytest.raises(Invalid, match=r"\$\.api: is not a table"):
        load(path, environ={"READYUP_API_PORT": "9001"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.toml", b"[queues\n"), ("c.toml", b"\xff"), ("c.json", b"{"), ("c.json", b"[]"),
        ("c.json", b"\xff"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(Invalid, match=str(path)):
        load(path, environ={})


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(Invalid, match="No such file"):
        load(tmp_path / "absent.toml", environ={})
