"""The store's own scripts, one at a time, beside a stand-in that writes down what it is asked."""

import os
import subprocess
from pathlib import Path

from tests.deploy.helm import CHART

NODES = "readyup-valkey-nodes.readyup.svc.cluster.local"
PODS = [f"readyup-valkey-{n}.{NODES}" for n in range(6)]

VALKEY_CLI = """#!/bin/sh
echo "$@" >> "$FOLDER/asked"
case "$*" in
  *ping) echo PONG ;;
  *role) echo master ;;
  *myid) cat "$FOLDER/myid" ;;
  *nodes) cat "$FOLDER/nodes" ;;
  *replicas*) cat "$FOLDER/replicas" ;;
esac
"""

SLEEP = """#!/bin/sh
sed -i s/disconnected/connected/ "$FOLDER/nodes"
"""


def line(pod: int, *, address: str, flags: str, link: str = "connected") -> str:
    """One of ``cluster nodes``."""
    slots = "" if "slave" in flags else " 0-5460"
    follows = "name-0" if "slave" in flags else "-"
    where = f"{address}:6379@16379,{PODS[pod]}"
    return f"name-{pod} {where} {flags} {follows} 0 0 1 {link}{slots}\n"


def asked(folder: Path, script: str, pod: int, **said: str) -> list[str]:
    """Run a script in one of the pods; what it asked of a Valkey, word by word."""
    for name, text in {"lib.sh": "", script: "", **said}.items():
        source = CHART / "files" / name
        told = source.read_text("utf-8") if source.exists() else text
        (folder / name).write_text(told.replace("/etc/valkey", str(folder)))
    for name, text in (("valkey-cli", VALKEY_CLI), ("sleep", SLEEP), ("getent", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "FOLDER": str(folder),
        "POD_NAME": f"readyup-valkey-{pod}",
        "FIRST": "readyup-valkey-0",
        "NODES": NODES,
        "VALKEY_PASSWORD": "secret",
    }
    done = subprocess.run(["sh", folder / script], env=environment, check=False, timeout=30)
    assert done.returncode == 0
    return (folder / "asked").read_text().splitlines()


def test_a_member_that_does_not_hear_its_own_name_has_nobody_forget_it(tmp_path: Path):
    six = [line(n, address=f"10.0.0.{n}", flags="master") for n in range(3)]
    six += [line(n, address=f"10.0.0.{n}", flags="slave") for n in (3, 5)]
    six += [line(4, address="10.0.0.4", flags="myself,slave", link="disconnected")]

    said = asked(tmp_path, "cluster-meet.sh", 4, nodes="".join(six), myid="")

    assert any("myid" in words for words in said)
    assert not any("forget" in words for words in said)


def test_a_primary_finds_its_replica_by_an_address_of_either_family(tmp_path: Path):
    replica = line(3, address="fd00::3", flags="slave")

    said = asked(tmp_path, "cluster-stop.sh", 0, nodes="", myid="name-0", replicas=replica)

    (order,) = [words for words in said if "failover" in words]
    assert "-h fd00::3 cluster failover" in order
