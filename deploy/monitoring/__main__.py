"""Writes the boards as Grafana reads them: `python -m deploy.monitoring` from the root."""

import json
from pathlib import Path

from deploy.monitoring.boards import BOARDS
from deploy.monitoring.panels import dashboard

FOLDER = Path(__file__).parents[1] / "chart" / "files" / "monitoring" / "dashboards"


def written() -> dict[str, str]:
    """Name of each file to its text."""
    return {
        f"{board.uid}.json": json.dumps(dashboard(board, BOARDS), indent=1) + "\n"
        for board in BOARDS
    }


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
