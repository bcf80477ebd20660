"""Where the store is: one server, a primary that Sentinels look after, or a Cluster.

One URL says it, whichever it is, so that a setting, an environment variable and an argument
are the same word everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from core.errors import Invalid

Kind = Literal["server", "sentinel", "cluster"]

FORMS = (
    "redis://host:port/0, unix:///path, redis+sentinel://host:port,host:port,host:port/NAME "
    "or redis+cluster://host:port,host:port (rediss for TLS)"
)
PASSWORD, SENTINEL_PASSWORD = "READYUP_STORE_PASSWORD", "READYUP_SENTINEL_PASSWORD"
FILES, SENTINEL_USER = ("ca", "cert", "key"), "sentinel_user"
"""What may be asked behind a question mark."""

_KINDS: dict[str, Kind] = {"": "server", "sentinel": "sentinel", "cluster": "cluster"}
_PORTS: dict[Kind, int] = {"server": 6379, "sentinel": 26379, "cluster": 6379}


class Endpoint(NamedTuple):
    """One process: a host and its port, or the path of a unix socket and 0."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True)
class Address:
    """A store's address, taken apart."""

    kind: Kind
    endpoints: tuple[Endpoint, ...]
    """The server, the Sentinels, or the nodes of the Cluster that are asked for the others."""

    primary: str = ""
    """What the Sentinels call it."""

    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""
    """File of the authority that signed the servers' certificates, which is then the only one
    that counts; empty takes the system's."""

    cert: str = ""
    """File of our own certificate, for servers that want one."""

    key: str = ""
    """File of its key; empty where ``cert`` has both."""

    def with_secrets(self, environ: Mapping[str, str]) -> "Address":
        """The same with the passwords of the environment; those in the URL give way to them."""
        if not self.endpoints[0].port:
            return self  # a unix socket's permissions are its lock
        return replace(
            self,
            password=environ.get(PASSWORD) or self.password,
            sentinel_password=environ.get(SENTINEL_PASSWORD) or self.sentinel_password,
        )


def parse_address(url: str, *, field: str = "$.store.url") -> Address:
    """Take a store's URL apart.

    Raises:
        Invalid: it is none; says which forms there are.
    """
    parts = urlsplit(url)
    scheme, _, word = parts.scheme.partition("+")
    if url.startswith("unix:///") and not parts.query:
        return Address("server", (Endpoint(unquote(parts.path), 0),))
    kind = _KINDS.get(word)
    if scheme not in ("redis", "rediss") or kind is None or not parts.netloc:
        raise Invalid(f"{_hidden(url)!r} is no address of a store; write {FORMS}", field=field)
    try:
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise ValueError("in a password / ? # are %2F %3F %23, or it is in the environment")
        credentials, _, hosts = parts.netloc.rpartition("@")
        user, _, password = credentials.partition(":")
        endpoints = tuple(_endpoint(host, _PORTS[kind]) for host in hosts.split(","))
        tls, path = scheme == "rediss", unquote(parts.path).strip("/")
        address = Address(
            kind,
            endpoints,
            primary=path if kind == "sentinel" else "",
            db=_db(path, kind),
            user=unquote(user),
            password=unquote(password),
            tls=tls,
            **_options(parts.query, kind, tls=tls),
        )
    except ValueError as wrong:
        raise Invalid(f"{_hidden(url)!r}: {wrong}; write {FORMS}", field=field) from wrong
    if kind == "server" and len(endpoints) > 1:
        raise Invalid(
            "redis:// names one server; several are redis+sentinel:// or redis+cluster://",
            field=field,
        )
    if kind == "sentinel" and not address.primary:
        raise Invalid(
            "redis+sentinel:// ends in the name that the Sentinels watch the primary by, as in "
            "redis+sentinel://a:26379,b:26379,c:26379/readyup",
            field=field,
        )
    return address


def _endpoint(text: str, port: int) -> Endpoint:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    try:
        return Endpoint(parts.hostname, parts.port or port)
    except ValueError:  # it repeats what it was given, which may be part of a password
        raise ValueError("a port is a number within 0-65535") from None


def _db(path: str, kind: Kind) -> int:
    if kind == "sentinel" or not path:
        return 0
    if kind == "cluster":
        raise ValueError("a Cluster has one database, so nothing follows its nodes")
    if not path.isdecimal():
        raise ValueError("the database is a number, mostly 0")
    return int(path)


def _options(query: str, kind: Kind, *, tls: bool) -> dict[str, str]:
    """What stands behind the question mark."""
    asked = parse_qs(query, strict_parsing=bool(query))
    if unknown := asked.keys() - {*FILES, SENTINEL_USER}:
        known = f"{', '.join(FILES)} and {SENTINEL_USER}"
        raise ValueError(f"{min(unknown)!r} is nothing that may be asked there; {known} are")
    options = {name: values[-1] for name, values in asked.items()}
    if SENTINEL_USER in options and kind != "sentinel":
        raise ValueError(f"{SENTINEL_USER} is for redis+sentinel://")
    if "key" in options and "cert" not in options:
        raise ValueError("a key is no use without its cert")
    for name in FILES:
        if name in options and not tls:
            raise ValueError(f"{name} is for TLS, which rediss asks for")
        if name in options and not Path(options[name]).is_file():
            raise ValueError(f"{name}: there is no file {options[name]}")
    return options


def _hidden(url: str) -> str:
    """The URL without its password."""
    credentials, at, rest = url.rpartition("@")
    scheme, slashes, words = credentials.partition("://")
    user, colon, _ = words.partition(":")
    return f"{scheme}{slashes}{user}:***@{rest}" if at and colon else url
