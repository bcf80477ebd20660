"""The rules as a page: docs/fleet-lint.md is made of this."""

from fleets.agones.lint.judge import CHAPTERS


def page() -> str:
    """Every rule below its chapter: what goes wrong otherwise, and the cure."""
    lines = []
    for chapter in CHAPTERS:
        lines += [f"## {chapter.title}", ""]
        for rule in chapter.rules:
            lines += [f"### `{rule.id}`", ""]
            lines += [f"*{rule.severity.capitalize()}.* {rule.why}", f"**Cure:** {rule.cure}", ""]
    return "\n".join(lines).rstrip()
