"""One match from nothing: so many tickets of a back end, and then where it is played."""

# ruff: noqa: S310, T201, TID251 - a script by itself, with the standard library alone

import json
import os
import secrets
import sys
import time
import urllib.request

API, KEY, QUEUE = (os.environ[name] for name in ("API", "KEY", "QUEUE"))
PATIENCE_S = 120.0


def ask(path: str, body: object = None) -> dict:
    """A request of the back end; what was answered."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(API + path, data, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def main() -> int:
    """The exit code: 0 when every ticket has its server."""
    run = secrets.token_hex(4)
    players = [f"test-{run}-{n}" for n in range(int(os.environ["PLAYERS"]))]
    tickets = [
        ask("/v1/tickets", {"queue": QUEUE, "players": [{"id": player, "rating": 1500}]})["id"]
        for player in players
    ]
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = [ask(f"/v1/tickets/{ticket}") for ticket in tickets]
        if all(one["status"] == "COMPLETED" for one in found):
            for player, one in zip(players, found, strict=True):
                place = one["assignments"][player]
                print(f"{player}: match {place['match']} at {place['address']}:{place['port']}")
            return 0
        time.sleep(0.5)
    print(f"no match within {PATIENCE_S:g} s: {[one['status'] for one in found]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
