"""Values that are wrong are refused before anything is rendered, in words that name the place."""

import pytest

from tests.deploy.helm import Refused, template

WRONG = {
    "a role that is none": ({"roles__matchmaker__replicas": 1}, "/roles", "matchmaker"),
    "a key with a slip": ({"networkPolicy__enabld": "false"}, "/networkPolicy", "enabld"),
    "a number in words": ({"roles__api__replicas": "two"}, "/roles/api/replicas", "integer"),
    "a mode that is none": ({"valkey__mode": "raft"}, "/valkey/mode", "sentinel"),
    "half a digest": ({"image__digest": "sha256:12"}, "/image/digest", "sha256:"),
    "a store over http": ({"valkey__external__url": "http://a"}, "/valkey/external/url", "rediss?"),
    "a port beyond": ({"services__api__port": 70000}, "/services/api/port", "65,535"),
    "events to nowhere": ({"events__to": "rabbit://a:1"}, "/events/to", "kafkas?"),
    "a queue in capitals": ({"settings__queues__DUEL__fleet": "a"}, "/settings/queues", "DUEL"),
}

CONTRADICTIONS = {
    "nobody may ask": ({"keys__first": "false"}, "settings.api.issuers"),
    "a console without operators": (
        {
            "keys__first": "false",
            "settings__api__backends[0].name": "a",
            "settings__api__backends[0].key_sha256": "0" * 64,
        },
        "settings.console.operators",
    ),
    "a fleet without a pod": ({"settings__fleets__arena__pod": "null"}, "pod.image"),
    "a fixed size with a buffer": ({"settings__fleets__arena__replicas": 3}, "`buffer: null`"),
    "a queue on a fleet that is none": ({"settings__queues__duel__fleet": "b"}, "`duel: null`"),
    "a user without a password": (
        {"events__enabled": True, "events__to": "kafka://me@k:9092"},
        "events.kafka.existingSecret",
    ),
    "a store from nowhere": ({"valkey__mode": "external"}, "valkey.external.url"),
    "a certificate from nowhere": ({"webhooks__tls": "existing"}, "webhooks.existingSecret"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_refused_with_its_place(case: str):
    sets, place, word = WRONG[case]

    with pytest.raises(Refused) as refused:
        template(**sets)

    assert place in str(refused.value)
    assert word in str(refused.value)


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_values_that_contradict_one_another_are_refused_with_the_cure(case: str):
    sets, cure = CONTRADICTIONS[case]

    with pytest.raises(Refused) as refused:
        template(**sets)

    assert cure in str(refused.value)


def test_an_older_kubernetes_is_refused():
    with pytest.raises(Refused, match=r"kubeVersion: >=1\.30\.0-0"):
        template(kube_version="1.29.0")
