"""The configuration: what ships is right, and what a file and the environment say is heard."""

import json
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
from tests.readyup.configured import table


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


@pytest.mark.parametrize(
    ("port", "said"),
    [("-1", "-1 is outside 0-65535"), ("abc", "must be a whole number"), ("99999", "is outside")],
)
def test_a_port_that_is_none_is_refused_by_the_variable_that_names_it(port: str, said: str):
    with pytest.raises(Invalid, match=f"^READYUP_API_PORT: .*{said}"):
        load(environ={"READYUP_API_PORT": port})


def test_a_wrong_setting_is_refused_with_its_file(tmp_path: Path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**table(), "api": {"prot": 1}}))

    with pytest.raises(Invalid, match=r"bad\.json: \$\.api\.prot: no such setting"):
        load(path, environ={})


def test_a_host_of_digits_is_still_a_host():
    assert load(environ={"READYUP_API_HOST": "0"}).api.host == "0"


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


CLUSTER = "redis+cluster://a,b,c"


def test_a_primary_of_a_cluster_may_be_told_to_go_on_alone():
    store = parse(table() | {"store": {"url": CLUSTER, "alone_after_s": 10}}).store

    assert store.alone_after_s == 10


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ({"url": "redis://db", "alone_after_s": 10}, "is for redis+cluster:// alone"),
        ({"url": CLUSTER, "alone_after_s": 1}, "1 is outside 5-86400; 0 is never"),
    ],
)
def test_a_wait_that_would_be_unsafe_is_refused(store: dict[str, Any], told: str):
    with pytest.raises(Invalid) as wrong:
        parse(table() | {"store": store})

    assert f"$.store.alone_after_s: {told}" in str(wrong.value)
