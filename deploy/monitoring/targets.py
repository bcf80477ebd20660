"""The admin ports of a run, as Prometheus' `file_sd_configs` reads them.

`python -m deploy.monitoring.targets .run/DEMO > deploy/monitoring/targets.json`
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit


def targets(run_dir: Path) -> str:
    """One target for each process that lives in the run folder, named as the process is."""
    found = [
        {
            "targets": [urlsplit(file.read_text("utf-8").strip()).netloc],
            "labels": {"instance": file.name, "role": file.name.partition("-")[0]},
        }
        for file in sorted((run_dir / "admin").glob("*"))
        if file.stat().st_size
    ]
    return json.dumps(found, indent=1)


if __name__ == "__main__":
    sys.stdout.write(targets(Path(sys.argv[1])) + "\n")
