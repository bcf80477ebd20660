"""``readyup operator``: look at the service and change it, as the operator whose token it has."""

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote

from cyclopts import Parameter

from core.errors import Invalid, ReadyUpError, Rejected, Unreachable
from readyup.commands.options import refuse_url

TOKEN = "READYUP_OPERATOR_TOKEN"  # noqa: S105 - the name of a variable
PATIENCE_S = 10.0

Action = Literal["whoami", "pause", "resume", "end", "cancel", "retire", "audit"]


def operator(
    action: Action,
    target: str = "",
    /,
    *,
    reason: str = "",
    limit: int = 20,
    url: str = "http://127.0.0.1:8080",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Pause or resume a queue or a fleet, end a match, cancel a ticket, give up a server, or
    read the audit.

    The token is taken from READYUP_OPERATOR_TOKEN; where there are no operators none is needed.

    Args:
        action: whoami, pause, resume, end, cancel, retire or audit.
        target: queue/NAME or fleet/NAME to pause and resume; a match to end or a ticket to
            cancel (by id, or a recent one by its queue and last eight digits, as in
            duel.0643dcb1); a server's uid to retire.
        reason: For those who read the audit later.
        limit: How many changes of the audit, at most 500.
        url: Where the console is.
        json: Print the answer as JSON.
    """
    try:
        refuse_url("--url", url)
        answer = asyncio.run(_do(url.rstrip("/"), action, target, reason, limit))
    except ReadyUpError as wrong:
        print(f"readyup operator: {wrong}", file=sys.stderr)
        return 1
    print(_words(action, answer) if not json else _as_json(answer))
    return 0


def token_header() -> dict[str, str]:
    """Of whoever has a token; where there are no operators none is needed."""
    token = os.environ.get(TOKEN, "")
    return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True, slots=True)
class Api:
    """The operator API at an address."""

    url: str
    http: Any  # an aiohttp.ClientSession, which is imported where it is used

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            Rejected: it was refused, in the API's own words.
            Unreachable: nobody answers there, or nobody who speaks this.
        """
        import aiohttp

        try:
            async with self.http.request(
                method, f"{self.url}/v1/operator{path}", json=body
            ) as answer:
                if not answer.content_type.endswith("json"):
                    raise Unreachable(f"{self.url} is no console of ReadyUp; name it with --url")
                told: dict[str, Any] = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as lost:
            raise Unreachable(f"nobody answers at {self.url}; name it with --url") from lost
        if answer.status == 401 and TOKEN not in os.environ:
            raise Rejected(f"operators sign in there: put your token into {TOKEN}")
        if answer.status >= 400:
            raise Rejected(str(told.get("detail") or told))
        return told


async def _do(url: str, action: Action, target: str, reason: str, limit: int) -> dict[str, Any]:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout, headers=token_header()) as http:
        api = Api(url, http)
        if action == "whoami":
            return await api.ask("GET", "/me")
        if action == "audit":
            return await api.ask("GET", f"/audit?limit={limit}")
        return await api.ask("POST", await _path(api, action, target), {"reason": reason})


async def _path(api: Api, action: Action, target: str) -> str:
    """Where a change is asked for."""
    if not target:
        raise Invalid(f"{action} what? `readyup operator --help` says")
    match action:
        case "pause" | "resume":
            kind, _, name = target.partition("/")
            if kind not in ("queue", "fleet") or not name:
                raise Invalid(f"{target!r}: write queue/NAME or fleet/NAME")
            return f"/{kind}s/{quote(name, safe='')}/{action}"
        case "end":
            whole = await api.ask("GET", f"/matches/{quote(target, safe='')}")
            return f"/matches/{whole['match']}/end"
        case "cancel":
            whole = await api.ask("GET", f"/tickets/{quote(target, safe='')}")
            return f"/tickets/{whole['ticket']}/cancel"
        case _:
            return f"/servers/{quote(target, safe='')}/retire"


def _as_json(answer: dict[str, Any]) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _words(action: Action, answer: dict[str, Any]) -> str:
    if action == "whoami":
        return f"{answer['name']}, {answer['role']}: {', '.join(answer['may'])}"
    if action == "audit":
        return "\n".join(map(_line, answer["records"])) or "nothing was changed yet"
    return f"{answer['target']}: {answer['before'] or '-'} -> {answer['after']}"


def _line(record: dict[str, Any]) -> str:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(record["t_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    came = record.get("outcome", "unknown")
    said = record.get("reason") or record.get("detail") or ""
    line = f"{when}  {record['who']:<16} {record['what']:<13} {record['target']:<40} {came:<8}"
    return f"{line} {said}".rstrip()
