"""The operator API as one table: every route, the role it needs, what it takes and answers.

The application, its description, and the tests of who may do what are all made of it.
"""

from dataclasses import dataclass

from allocator.sessions import Session
from matchmaker.api.why import WhyOut
from readyup.console.detail import MatchDetail, ServerDetail, TicketDetail
from readyup.operators import shapes
from readyup.operators.roles import Role

BASE = "/v1/operator"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation."""

    name: str
    """Of the operation, and of the method that serves it: ``pauseQueue`` is ``pause_queue``."""

    method: str
    path: str
    role: Role | None
    """Who may; None for everybody."""

    answer: type
    summary: str
    body: type | None = None

    def is_change(self) -> bool:
        """Whether it changes something, and is audited."""
        return self.body is not None and issubclass(self.body, shapes.ChangeIn)

    def handler(self) -> str:
        """Name of the method that serves it."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name)


def _read(name: str, path: str, answer: type, summary: str, role: Role = Role.VIEWER) -> Route:
    return Route(name, "GET", BASE + path, role, answer, summary)


def _change(
    name: str,
    path: str,
    summary: str,
    role: Role = Role.OPERATOR,
    body: type[shapes.ChangeIn] = shapes.ChangeIn,
) -> Route:
    return Route(name, "POST", BASE + path, role, shapes.ChangeOut, summary, body)


ROUTES = (
    Route(
        "signIn",
        "POST",
        f"{BASE}/login",
        None,
        shapes.MeOut,
        "Change a token for a cookie; for browsers.",
        shapes.LoginIn,
    ),
    _change("signOut", "/logout", "End this browser's sign-in.", Role.VIEWER),
    _read("whoAmI", "/me", shapes.MeOut, "Who you are here, and what you may do."),
    _read("listQueues", "/queues", shapes.QueuesOut, "Every queue now."),
    _read("listFleets", "/fleets", shapes.FleetsOut, "Every fleet now."),
    _read("listServers", "/servers", shapes.ServersOut, "The servers of every fleet now."),
    _read("readServer", "/servers/{uid}", ServerDetail, "A server, also for a while once gone."),
    _read("readTicket", "/tickets/{ticket}", TicketDetail, "A ticket, by its id or its end."),
    _read(
        "readWhy",
        "/tickets/{ticket}/why",
        WhyOut,
        "What keeps a ticket waiting now, and what would release it. 409 when it does not wait.",
    ),
    _read("readMatch", "/matches/{match}", MatchDetail, "A match, by its id or its end."),
    _read("readSession", "/sessions/{match}", Session, "Where a match is played."),
    _read(
        "readAudit",
        "/audit",
        shapes.AuditOut,
        "Who changed what. Addresses and sign-ins are told to admins.",
    ),
    _change(
        "cancelTicket",
        "/tickets/{ticket}/cancel",
        "Take a ticket out of its queue; its players are told. 409 when it has ended otherwise.",
    ),
    _change(
        "endMatch",
        "/matches/{match}/end",
        "End a match and its session; its players are told. One that is not committed yet is "
        "closed, and its tickets wait on. 409 when it is over.",
    ),
    _change("pauseQueue", "/queues/{queue}/pause", "Propose no match; tickets wait."),
    _change("resumeQueue", "/queues/{queue}/resume", "Match again."),
    _change("pauseFleet", "/fleets/{fleet}/pause", "Hand out no room; matches wait in line."),
    _change("resumeFleet", "/fleets/{fleet}/resume", "Hand out rooms again."),
    _read("listPlans", "/fleets/{fleet}/plans", shapes.PlansOut, "Sizes announced for a fleet."),
    _change(
        "planFleet",
        "/fleets/{fleet}/plans/{plan}",
        "Announce a size under a name of yours; one of the same name is replaced. 409 when the "
        "fleet is not sized by forecast.",
        body=shapes.PlanIn,
    ),
    _change(
        "unplanFleet",
        "/fleets/{fleet}/plans/{plan}/remove",
        "Take an announced size back. 409 when it stands in the settings.",
    ),
    _change(
        "retireServer",
        "/servers/{uid}/retire",
        "Give up a server: no new match, and it ends after its last one.",
    ),
    _read("listOperators", "/operators", shapes.OperatorsOut, "Every operator.", Role.ADMIN),
    _change(
        "dropSessions",
        "/operators/{operator}/drop-sessions",
        "Sign an operator out of every browser.",
        Role.ADMIN,
    ),
)
