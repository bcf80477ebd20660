"""The command ``readyup``: a line for each verb, each verb in a room of its own.

Verbs are looked up by name, so that starting one imports nothing of the others.
"""

import sys
from importlib import metadata

from cyclopts import App

app = App(
    name="readyup",
    help="Puts players into matches on game servers that are already warm.",
    version=metadata.version("readyup"),
)

app.command("readyup.commands.demo:demo", name="demo")
app.command("readyup.commands.serve:serve", name="serve")
app.command("readyup.commands.gameserver:gameserver", name="gameserver")
app.command("readyup.commands.sdk_server:sdk_server", name="sdk-server")
app.command("readyup.commands.bots:bots", name="bots")
app.command("readyup.commands.check_history:check_history", name="check-history")
app.command("readyup.commands.top:top", name="top")
app.command("readyup.commands.bench:bench", name="bench")
app.command("readyup.commands.simulate:simulate", name="simulate")
app.command("readyup.commands.serve:keys", name="keys")
app.command("readyup.commands.operator:operator", name="operator")


def main() -> None:
    """Run one verb; its answer is the exit code."""
    sys.exit(app())
