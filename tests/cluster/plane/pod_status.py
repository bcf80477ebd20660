"""What a kubelet writes into a pod's status: containers that run, and containers that ended."""

from typing import Any

from tests.cluster.plane.nodes import stamp

Pod = dict[str, Any]


def running(pod: Pod, host_ip: str, pod_ip: str) -> Pod:
    """All containers started and ready; a pod on the host's network has the host's address."""
    address = host_ip if pod["spec"].get("hostNetwork") else pod_ip
    since = stamp()
    return {
        "phase": "Running",
        "startTime": since,
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": _conditions("True", since),
        "initContainerStatuses": [
            _container(pod, each, {"running": {"startedAt": since}})
            for each in pod["spec"].get("initContainers", ())
        ],
        "containerStatuses": [
            _container(pod, each, {"running": {"startedAt": since}})
            for each in pod["spec"]["containers"]
        ],
    }


def ended(pod: Pod, exit_code: int, message: str = "") -> Pod:
    """The game's container ended and is not started again; the pod is over."""
    finished = {
        "exitCode": exit_code,
        "reason": "Completed" if exit_code == 0 else "Error",
        "message": message,
        "finishedAt": stamp(),
    }
    return {
        "phase": "Succeeded" if exit_code == 0 else "Failed",
        "conditions": _conditions("False", stamp()),
        "containerStatuses": [
            _container(pod, each, {"terminated": finished}) for each in pod["spec"]["containers"]
        ],
    }


def _conditions(ready: str, since: str) -> list[dict[str, str]]:
    initialized = {"type": "Initialized", "status": "True", "lastTransitionTime": since}
    return [
        initialized,
        *(
            {"type": kind, "status": ready, "lastTransitionTime": since}
            for kind in ("ContainersReady", "Ready")
        ),
    ]


def _container(pod: Pod, container: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    up = "running" in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"stand-in://{container['image']}",
        "containerID": f"stand-in://{pod['metadata']['uid']}/{container['name']}",
        "restartCount": 0,
        "ready": up,
        "started": up,
        "state": state,
    }
