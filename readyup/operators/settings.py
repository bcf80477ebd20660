"""Where the console listens, and who its operators are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from matchmaker.api.keys import is_loopback
from readyup.listen import Listen
from readyup.operators.roles import Role
from readyup.tables import converted, refuse_unknown, section, subtable

CURE = "`readyup keys --operator NAME --role ROLE` makes a token and its table"


@dataclass(frozen=True, slots=True)
class Operator:
    """One person, or one program, that may look or change."""

    name: str
    """Who it is in the audit; letters, digits, dots, dashes, underscores and @, at most 64."""

    role: Role
    """`viewer` looks, `operator` changes, `admin` also ends operators' sessions and reads
    the audit in full."""

    token_sha256: str
    """SHA-256 of the token, 64 hex digits; the token itself is kept by the operator alone."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.@-]{1,64}", self.name):
            raise Invalid(
                f"{self.name!r}: 1 to 64 letters, digits, dots, dashes, underscores or @",
                field="$.name",
            )
        if not re.fullmatch(r"[0-9a-f]{64}", self.token_sha256):
            raise Invalid(f"64 hex digits; {CURE}", field="$.token_sha256")


@dataclass(frozen=True, slots=True)
class ConsoleSettings(Listen):
    """Where the console and the operator API listen, and to whom."""

    login: bool = False
    """Whether operators sign in on loopback too. They always do once there are any; without
    any, whoever is on this machine is an admin."""

    proxies: int = 0
    """Proxies of ours before the console. With n, the address in the audit is the n-th from
    the right in X-Forwarded-For; with 0 that header counts for nothing."""

    operators: tuple[Operator, ...] = ()
    """Who may come in: one table each, ``[[console.operators]]``."""

    def __post_init__(self) -> None:
        # The parent by name: with slots, super() knows an older class than this one.
        Listen.__post_init__(self)
        if not 0 <= self.proxies <= 10:
            raise Invalid(f"{self.proxies} is outside 0-10", field="$.proxies")
        for what in ("name", "token_sha256"):
            values = [getattr(one, what) for one in self.operators]
            if twice := [value for value in values if values.count(value) > 1]:
                raise Invalid(f"{what} {twice[0]!r} is there twice", field="$.operators")
        if self.operators:
            return
        if self.login:
            raise Invalid(f"nobody could sign in; {CURE}", field="$.login")
        if self.host != "localhost" and not is_loopback(self.host):
            raise Invalid(
                f"{self.host!r} would let in whoever asks, for there are no operators; {CURE}, "
                "or write 127.0.0.1 and lead to it through ssh -L",
                field="$.host",
            )

    def needs_login(self) -> bool:
        """Whether a caller must show who it is."""
        return bool(self.operators)


def parse_console(table: Mapping[str, Any]) -> ConsoleSettings:
    """The console's section of a configuration.

    Raises:
        Invalid: names the place and the cure.
    """
    listed = subtable(table, "console").get("operators")
    for n, one in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(one, Mapping):
            place = f"$.console.operators[{n}]"
            refuse_unknown(one, set(Operator.__slots__), place)
            converted(one, Operator, place)  # here, where what is wrong gets its whole place
    return section(table, "console", ConsoleSettings, port=8080)
