"""Where a Kafka is: ``kafka://HOST:PORT,…/TOPIC``, or ``kafkas://`` over TLS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from core.errors import Invalid

PASSWORD = "READYUP_KAFKA_PASSWORD"  # noqa: S105 - the name of a variable
TOPIC = "readyup.events"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_SERVER = re.compile(r"[^\s:,@]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Brokers to ask first, the topic, and as whom."""

    servers: tuple[str, ...]
    topic: str = TOPIC
    tls: bool = False
    ca: str = ""
    user: str = ""
    password: str = ""
    mechanism: str = "SCRAM-SHA-512"


def parse_kafka(url: str, environ: Mapping[str, str]) -> KafkaAddress:
    """What a URL says; the password comes from the environment.

    ``kafkas://studio@k-0:9093,k-1:9093/readyup.events?ca=/etc/kafka/ca.crt&mechanism=PLAIN``

    Raises:
        Invalid: names what is wrong with it.
    """
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    servers = tuple(hosts.split(","))
    asked = dict(parse_qsl(parts.query))
    topic = parts.path.strip("/") or TOPIC
    mechanism = asked.pop("mechanism", "SCRAM-SHA-512")
    ca = asked.pop("ca", "")
    if not all(_SERVER.fullmatch(server) for server in servers):
        raise _refused("brokers are written HOST:PORT with commas between")
    if not _TOPIC.fullmatch(topic):
        raise _refused(f"{topic!r} is no topic; letters, digits, '.', '_' and '-' make one")
    if ":" in user:
        raise _refused(f"a password does not belong in it; put it into {PASSWORD}")
    if user and PASSWORD not in environ:
        raise _refused(f"the password of {user!r} is missing; put it into {PASSWORD}")
    if mechanism not in MECHANISMS:
        raise _refused(f"mechanism {mechanism!r}; there are: {', '.join(MECHANISMS)}")
    if asked:
        raise _refused(f"{next(iter(asked))!r} is no option; there are: ca, mechanism")
    if user and parts.scheme != "kafkas":
        raise _refused("a password would travel in the clear; write kafkas://")
    return KafkaAddress(
        servers,
        topic,
        tls=parts.scheme == "kafkas",
        ca=ca,
        user=unquote(user),
        password=environ.get(PASSWORD, ""),
        mechanism=mechanism,
    )


def _refused(why: str) -> Invalid:
    return Invalid(f"--to: {why}", field="--to")
