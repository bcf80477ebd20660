"""Where a Kafka is, and what is no such place."""

import pytest

from core.errors import Invalid
from readyup.events.kafka_address import PASSWORD, KafkaAddress, parse_kafka


def test_brokers_and_topic_are_read_and_the_topic_has_a_name_of_its_own():
    assert parse_kafka("kafka://a:1,b:2", {}) == KafkaAddress(("a:1", "b:2"))
    assert parse_kafka("kafka://[::1]:9092/studio.events", {}).topic == "studio.events"


def test_tls_a_user_and_an_authority():
    url = "kafkas://studio@a:9093/t?ca=/etc/ca.crt&mechanism=PLAIN"

    assert parse_kafka(url, {PASSWORD: "secret"}) == KafkaAddress(
        ("a:9093",),
        "t",
        tls=True,
        ca="/etc/ca.crt",
        user="studio",
        password="secret",  # noqa: S106
        mechanism="PLAIN",
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("kafka:///topic", "HOST:PORT"),
        ("kafka://host/topic", "HOST:PORT"),
        ("kafka://a:1/my topic", "no topic"),
        ("kafkas://u:p@a:1", PASSWORD),
        ("kafkas://u@a:1", "missing"),
        ("kafkas://a:1?mechanism=GSSAPI", "there are"),
        ("kafka://a:1?acks=0", "no option"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(url: str, why: str):
    with pytest.raises(Invalid, match=why):
        parse_kafka(url, {})


def test_a_password_never_travels_in_the_clear():
    with pytest.raises(Invalid, match="kafkas"):
        parse_kafka("kafka://u@a:1", {PASSWORD: "secret"})
