"""The servers that the backend's mirror has shown, and for a while those that are gone."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from core.eventlog import Event
from core.game_server import ServerView

SERVERS_MAX = 1_000
"""Servers remembered; of those that are gone the newest."""


@dataclass(slots=True)
class Known:
    """One server as it was last seen."""

    view: ServerView
    gone: str = ""
    """Why it is gone: ``server.deleted`` tells; empty while it is there."""

    gone_ms: int = 0


class KnownServers:
    """By uid; a restarted server has a new one under its old name."""

    def __init__(self) -> None:
        self._servers: OrderedDict[str, Known] = OrderedDict()
        self._gone: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def get(self, uid: str) -> Known | None:
        """One server, there or gone."""
        return self._servers.get(uid)

    def seen(self, servers: Iterable[ServerView], *, now_ms: int) -> None:
        """Take what the mirror shows: all servers that are there."""
        present = set()
        for view in servers:
            present.add(str(view.uid))
            known = self._servers.get(view.uid)
            if known is None:
                self._servers[view.uid] = Known(view)
            else:
                known.view, known.gone = view, ""
        for uid, known in self._servers.items():
            if uid not in present and not known.gone:
                known.gone, known.gone_ms = self._gone.get(uid, ("not in the mirror", now_ms))
        while len(self._servers) > SERVERS_MAX:
            oldest = next((u for u, known in self._servers.items() if known.gone), "")
            if not oldest:
                break
            del self._servers[oldest]

    def take(self, event: Event) -> None:
        """Take an event of a fleet: why a server is gone."""
        if event["k"] != "server.deleted":
            return
        uid, why = str(event["server"]), str(event.get("reason") or "deleted")
        self._gone[uid] = (why, event["t"])
        if len(self._gone) > SERVERS_MAX:
            self._gone.popitem(last=False)
        if (known := self._servers.get(uid)) and known.gone:
            known.gone, known.gone_ms = why, event["t"]
