"""The queues of a configuration: each with a rating window or rule sets, from files or as text."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from core.errors import Invalid
from core.ids import FleetName, QueueName
from matchmaker.rules import files
from matchmaker.rules.model import RatingWindow, Rules
from matchmaker.rules.native import is_native
from matchmaker.rules.rollout import Rollout
from matchmaker.rules.ruleset import RuleSet
from matchmaker.settings import QueueSettings
from readyup.clusters import checked_fleets
from readyup.tables import converted, refusal, refuse_unknown

RULE_KEYS = {one.name for one in dataclasses.fields(Rules)}
"""Keys of a queue that is ruled by a rating window."""


def parse_queue(name: str, table: object, there: list[FleetName], folder: Path) -> QueueSettings:
    """One queue's table; files that it names are in ``folder``.

    Raises:
        Invalid: names the place and the cure.
    """
    place = f"$.queues.{name}"
    if not isinstance(table, Mapping):
        raise refusal(place, "is not a table; a queue needs at least teams, team_size and fleet")
    own_keys = {one.name for one in dataclasses.fields(QueueSettings)} - {"name", "rules"}
    refuse_unknown(table, RULE_KEYS | own_keys | {"rules"}, place)
    for needed in ("fleet",) if "rules" in table else ("teams", "team_size", "fleet"):
        if needed not in table:
            raise refusal(f"{place}.{needed}", "is missing")
    if isinstance(table.get("window"), Mapping):
        window = {one.name for one in dataclasses.fields(RatingWindow)}
        refuse_unknown(table["window"], window, f"{place}.window")
    checked_fleets(table["fleet"], there, place)
    own = {key: table[key] for key in (own_keys & table.keys()) - {"shadow_rules", "rollout_rules"}}
    rules = _queue_rules(table, place, folder) if "rules" in table else _window(table, place)
    made: dict[str, object] = {"name": QueueName(name), "rules": rules}
    if said := table.get("shadow_rules"):
        made["shadow_rules"] = _rule_set(said, f"{place}.shadow_rules", folder)
    if (said := table.get("rollout_rules")) is not None:
        made["rollout_rules"] = _rollout(said, f"{place}.rollout_rules", folder)
    return converted({**own, **made}, QueueSettings, place)


def queue_as_table(queue: QueueSettings) -> dict[str, Any]:
    """A queue as the table that ``parse_queue`` reads back."""
    table = dict(msgspec.to_builtins(queue))
    table.pop("name")
    rules, shadow, rollout = queue.rules, queue.shadow_rules, queue.rollout_rules
    table.pop("rules")
    said = {"rules": rules.source} if isinstance(rules, RuleSet) else msgspec.to_builtins(rules)
    table |= said
    table["shadow_rules"] = shadow.source if isinstance(shadow, RuleSet) else ""
    table.pop("rollout_rules")
    if rollout is not None:
        percent, mercy_s = rollout.percent, rollout.mercy_s
        table["rollout_rules"] = {
            "file": rollout.rules.source,
            "percent": percent,
            "mercy_s": mercy_s,
        }
    return table


def _window(table: Mapping[str, Any], place: str) -> Rules:
    return converted({key: table[key] for key in RULE_KEYS & table.keys()}, Rules, place)


def _queue_rules(table: Mapping[str, Any], place: str, folder: Path) -> RuleSet:
    for other in sorted(RULE_KEYS & table.keys()):
        raise refusal(f"{place}.{other}", "has no place beside rules; the rule set says it")
    return _rule_set(table["rules"], f"{place}.rules", folder)


def _rollout(table: object, place: str, folder: Path) -> Rollout:
    if not isinstance(table, Mapping) or not {"file", "percent"} <= table.keys():
        raise refusal(place, 'needs two things; write {file = "new.json", percent = 5}')
    refuse_unknown(table, {"file", "percent", "mercy_s"}, place)
    rules = _rule_set(table["file"], f"{place}.file", folder)
    numbers = {key: table[key] for key in ("percent", "mercy_s") if key in table}
    return converted({**numbers, "rules": rules}, Rollout, place)


def _rule_set(said: object, place: str, folder: Path) -> RuleSet:
    """A rule set, FlexMatch's or ours: a file beside the configuration, or the text itself."""
    if not isinstance(said, str):
        raise refusal(place, "must be a text: a file, or a rule set itself")
    text = said
    # A rule set may begin with a comment.
    if not said.lstrip().startswith(("{", "//", "/*")) and not is_native(said):
        try:
            text = (folder / said).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as gone:
            reason = gone.strerror if isinstance(gone, OSError) else "it is no UTF-8 text"
            raise refusal(place, f"{folder / said}: {reason}") from gone
    try:
        return files.load(text)
    except Invalid as wrong:
        raise refusal(place, str(wrong)) from wrong
