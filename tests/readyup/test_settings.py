"""The configuration: what ships is right, what is wrong is told with its place and its cure."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.errors import Invalid
from core.ids import FleetName, QueueName
from fleets.spec import FleetSpec, PortRange
from matchmaker.api.settings import Backend, Issuer
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.settings import QueueSettings
from readyup.listen import Listen
from readyup.operators.settings import ConsoleSettings
from readyup.settings import ApiSettings, Config, StoreSettings, as_table, load, parse

Table = dict[str, Any]


def table() -> Table:
    """A small configuration that is right."""
    return {
        "queues": {"duel": {"teams": ["red", "blue"], "team_size": 1, "fleet": "arena"}},
        "fleets": {"arena": {"command": ["{python}", "-m", "game"], "ports": "7000-7009"}},
    }


def issuer(**change: object) -> Table:
    """An issuer that is right, but for what is changed."""
    right = {"issuer": "https://id.test", "audience": "game", "jwks_url": "https://id.test/keys"}
    return {**right, **change}


def changed(change: Callable[[Table], object]) -> Table:
    made = table()
    change(made)
    return made


def test_the_configuration_that_ships_is_right():
    config = load(environ={})

    assert set(config.queues) == {"duel", "squad"}
    assert config.source == "the built-in configuration"
    assert (config.api.port, config.sessions.port, config.console.port) == (8081, 8082, 8080)


def test_queues_and_fleets_have_the_names_of_their_tables():
    config = parse(table())

    assert config.queues["duel"].name == "duel"
    assert [fleet.name for fleet in config.fleets] == ["arena"]
    assert config.queues["duel"].rules == Rules(("red", "blue"), 1)


FULL = Config(
    queues={
        "duel": QueueSettings(
            QueueName("duel"),
            Rules(("red", "blue"), 2, RatingWindow(1.5, 2.5, 3.5)),
            FleetName("arena"),
            group="g",
            waiting_max=5,
            on_duplicate="update",
            default_rating=1.0,
        )
    },
    fleets=(
        FleetSpec(
            FleetName("arena"),
            ("{python}", "-m", "game"),
            PortRange(7000, 7009),
            size_min=1,
            buffer=2,
            env={"MODE": "x"},
        ),
        FleetSpec(FleetName("other"), ("game",), PortRange(8000, 8000), replicas=1),
    ),
    store=StoreSettings("redis://db:6379/0", "aof"),
    api=ApiSettings(
        "0.0.0.0",  # noqa: S104 - a value, nobody listens
        1,
        proxies=1,
        issuers=(Issuer("https://id.test", "game", "https://id.test/keys", ("ES256",)),),
        backends=(Backend("shop", "0" * 64),),
    ),
    run_dir="run",
    events=False,
)


@pytest.mark.parametrize("config", [load(environ={}), parse(table()), FULL], ids=str)
def test_a_configuration_survives_its_way_to_another_process(config: Config):
    sent = json.loads(msgspec.json.encode(as_table(config)))

    assert parse(sent) == config


def test_a_file_in_toml_and_the_same_in_json(tmp_path: Path):
    toml, as_json = tmp_path / "c.toml", tmp_path / "c.json"
    toml.write_text(
        """
        [queues.duel]
        teams = ["red", "blue"]
        team_size = 1
        fleet = "arena"
        [fleets.arena]
        command = ["{python}", "-m", "game"]
        ports = "7000-7009"
        """
    )
    as_json.write_text(json.dumps(table()))

    assert load(toml, environ={}) == load(as_json, environ={}) == parse(table())
    assert load(toml, environ={}).source == str(toml)


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


def test_the_environment_has_the_last_word(tmp_path: Path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**table(), "api": {"host": "10.0.0.1", "port": 1}}))
    environ = {
        "READYUP_STORE_URL": "redis://db:6379/0",
        "READYUP_API_PORT": "9001",
        "READYUP_SESSIONS_HOST": "127.0.0.2",
        "READYUP_CONSOLE_PORT": "",
    }
    config = load(path, environ=environ)

    assert config.store.url == "redis://db:6379/0"
    assert config.api == ApiSettings("10.0.0.1", 9001)
    assert config.sessions == Listen("127.0.0.2", 8082)
    assert config.console == ConsoleSettings(port=8080)


@pytest.mark.parametrize("port", ["http", "²", "-1", "70000"])
def test_a_wrong_value_in_the_environment_is_told_with_its_place(port: str):
    with pytest.raises(Invalid) as caught:
        load(environ={"READYUP_API_PORT": port})

    assert caught.value.field == "$.api.port"


def test_a_host_of_digits_is_still_a_host():
    assert load(environ={"READYUP_API_HOST": "0"}).api.host == "0"


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


def test_a_fleet_of_pods_survives_the_way_to_another_process():
    pod = {"image": "registry/arena:1", "hugepages": {"2Mi": "64Mi"}, "extra_pod": {"a": [1]}}
    queue = {"teams": ["red", "blue"], "team_size": 1, "fleet": "arena"}
    config = parse({"queues": {"duel": queue}, "fleets": {"arena": {"pod": pod}}})

    assert parse(json.loads(msgspec.json.encode(as_table(config)))) == config


RULE_SET = """{"ruleLanguageVersion": "1.0", // as it is published
  "teams": [{"name": "red", "minPlayers": 1, "maxPlayers": 5}]}"""


def test_a_queue_may_be_ruled_by_a_file_beside_the_configuration(tmp_path: Path):
    (tmp_path / "squad.json").write_text(RULE_SET)
    (tmp_path / "readyup.json").write_text(
        json.dumps(
            {
                "queues": {"squad": {"rules": "squad.json", "fleet": "arena"}},
                "fleets": {"arena": {"command": ["x"], "ports": "7000-7009"}},
            }
        )
    )

    config = load(tmp_path / "readyup.json", environ={})

    assert config.queues["squad"].rules.team_names() == ("red",)
    again = parse(as_table(config))
    assert again.queues["squad"].rules.version() == config.queues["squad"].rules.version()


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        ({"rules": "gone.json"}, "gone.json: No such file"),
        ({"rules": "{"}, "$.queues.squad.rules: $"),
        ({"rules": RULE_SET.replace("1.0", "2")}, "ruleLanguageVersion"),
        ({"rules": RULE_SET, "team_size": 5}, "$.queues.squad.team_size: has no place beside"),
    ],
)
def test_a_wrong_rule_set_is_told_with_its_place(queue: dict[str, Any], told: str):
    with pytest.raises(Invalid) as wrong:
        parse(
            {
                "queues": {"squad": {"fleet": "arena", **queue}},
                "fleets": {"arena": {"command": ["x"], "ports": "7000-7009"}},
            }
        )

    assert told in str(wrong.value)


def regional(**change: object) -> Table:
    """Two clusters, and a queue that plays in both."""
    pods = {name: {"cluster": name, "region": "", "pod": {"image": "g"}} for name in ("eu", "us")}
    queue = {"teams": ["red", "blue"], "team_size": 1, "fleet": ["eu", "us"]}
    clusters = {"eu": {"region": "europe"}, "us": {"context": "ohio"}}
    return {"queues": {"duel": queue}, "fleets": pods, "clusters": clusters, **change}


def test_a_queue_may_have_fleets_in_several_clusters():
    config = parse(regional())

    assert config.queues["duel"].fleets() == ("eu", "us")
    assert config.cluster_of(config.fleets[1]).context == "ohio"
    assert config.regions() == {"eu": "europe", "us": ""}
    assert parse(json.loads(msgspec.json.encode(as_table(config)))) == config


@pytest.mark.parametrize(
    ("change", "place", "cure"),
    [
        ({"clusters": {"eu": {}}}, "$.fleets.us.cluster", "no cluster 'us'; there are: eu"),
        ({"clusters": {"eu": {"contxt": "a"}}}, "$.clusters.eu.contxt", "did you mean 'context'?"),
        ({"clusters": {"E U": {}}}, "$.clusters.E U", "lower case letters"),
        (
            {"queues": {"duel": {**table()["queues"]["duel"], "fleet": ["eu", "asia"]}}},
            "$.queues.duel.fleet",
            "no fleet 'asia'; there are: eu, us",
        ),
        (
            {"queues": {"duel": {**table()["queues"]["duel"], "fleet": ["eu", "eu"]}}},
            "$.queues.duel",
            "several once each",
        ),
        (
            {
                "queues": {"duel": {**table()["queues"]["duel"], "fleet": "eu"}},
                "fleets": {"eu": {"command": ["x"], "ports": "7000-7009", "cluster": "eu"}},
            },
            "$.fleets.eu.cluster",
            "is for fleets of pods",
        ),
    ],
)
def test_a_wrong_cluster_or_fleet_is_refused_with_its_cure(change: Table, place: str, cure: str):
    with pytest.raises(Invalid, match=re.escape(cure)) as refused:
        parse(regional(**change))

    assert (refused.value.field or "").startswith(place)
