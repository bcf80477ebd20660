"""The command ``readyup``: a line for each verb, each verb in a room of its own.

Verbs are looked up by name, so that starting one imports nothing of the others.
"""

import sys
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts import App

VERBS = {
    "demo": ("demo:demo", "Everything on this machine, with bots and the console."),
    "serve": ("serve:serve", "The service, or some of its roles."),
    "bots": ("bots:bots", "Players over the real API and UDP."),
    "top": ("top:top", "The console, in a terminal."),
    "check-history": ("check_history:check_history", "Judge the log of a run."),
    "rules": ("rules:rules", "Check a rule set, try it on tickets in virtual time, or import one."),
    "explain": ("explain:explain", "Why a ticket waits, and what would release it."),
    "record": ("record:record", "What a queue did lately, as a file to replay."),
    "replay": ("replay:replay", "A recorded hour once more, or under other rules."),
    "events": ("events:events", "Tell what happens to others: a file, a pipe, Kafka."),
    "keys": ("serve:keys", "Make keys: for joining, for back ends, for your own servers."),
    "fleet": ("fleet:fleet", "Fleets: print, judge, list, apply and scale them."),
    "capacity": ("capacity:capacity", "Try the capacity planner on a recorded load."),
    "operator": ("operator:operator", "What operators may do to a running service."),
    "gameserver": ("gameserver:gameserver", "The example game, also by hand."),
    "sdk-server": ("sdk_server:sdk_server", "Agones' SDK server, for a game you are writing."),
    "simulate": ("simulate:simulate", "The whole under virtual time, with faults, from a seed."),
    "bench": ("bench:bench", "Measure, beside a baseline."),
}
"""Name to where it is, below ``readyup.commands``, and what it is for; in the order shown."""


def made(*, listed: bool) -> "App":
    """The command with its verbs; ``listed`` with a line for each.

    A verb's own help begins with its docstring, which is not read before it is asked for, and
    which a line given here would replace.
    """
    from cyclopts import App, Parameter

    app = App(
        name="readyup",
        help="Puts players into matches on game servers that are already warm.",
        version=metadata.version("readyup"),
        # No option is a question with two answers: --no-json would say what nobody asked.
        default_parameter=Parameter(negative=()),
    )
    for n, (name, (where, what_for)) in enumerate(VERBS.items()):
        help_line = what_for if listed else None
        app.command(f"readyup.commands.{where}", name=name, help=help_line, sort_key=n)
    return app


def main() -> None:
    """Run one verb; its answer is the exit code. Ctrl-C before it runs ends this quietly."""
    try:
        asked = sys.argv[1:]
        sys.exit(made(listed=not asked or asked[0] in ("--help", "-h"))(asked))
    except KeyboardInterrupt:  # what is imported first takes a second
        sys.exit(130)
