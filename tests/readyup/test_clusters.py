"""Fleets in several clusters, and queues that play in them."""

import json
import re

import msgspec
import pytest

from core.errors import Invalid
from readyup.settings import as_table, parse
from tests.readyup.configured import Table, table


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
