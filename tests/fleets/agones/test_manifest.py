"""What a fleet of pods becomes: a stock Agones Fleet whose pods can be pinned."""

from fleets.agones.manifest import Site, autoscaler, fleet, pods_webhook, render, sidecar_values
from tests.fleets.agones.samples import SITE, container, pod_fleet, variables


def pod_of(document):
    return document["spec"]["template"]["spec"]["template"]


def test_every_container_has_whole_cores_and_requests_equal_to_limits():
    pod = pod_of(fleet(pod_fleet(cpus=2), SITE))

    (game,) = pod["spec"]["containers"]
    assert game["resources"]["requests"] == game["resources"]["limits"]
    assert game["resources"]["limits"] == {"cpu": "2", "memory": "256Mi"}
    assert pod["metadata"]["annotations"]["readyup/sidecar"] == "cpu=30m,memory=32Mi"


def test_a_pod_is_on_the_hosts_network_with_names_that_resolve_and_a_port_that_is_its_own():
    document = fleet(pod_fleet(), SITE)

    inside = pod_of(document)["spec"]
    assert inside["hostNetwork"] is True
    assert inside["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert inside["dnsConfig"] == {"options": [{"name": "ndots", "value": "1"}]}
    (port,) = document["spec"]["template"]["spec"]["ports"]
    assert port == {"name": "game", "portPolicy": "Passthrough", "protocol": "UDP"}


def test_a_pod_goes_only_to_nodes_that_give_out_cores_and_tolerates_their_taint():
    inside = pod_of(fleet(pod_fleet({"numa": True, "realtime": True}), SITE))["spec"]

    required = inside["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert {one["key"]: one["values"][0] for one in term["matchExpressions"]} == {
        "kubernetes.io/arch": "amd64",
        "readyup/cpu-manager": "static",
        "readyup/topology-manager": "single-numa-node",
        "feature.node.kubernetes.io/kernel-config.PREEMPT_RT": "true",
    }
    assert inside["tolerations"] == [
        {"key": "gameserver", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
    ]
    assert inside["containers"][0]["securityContext"]["capabilities"]["add"] == ["SYS_NICE"]


def test_a_match_outlives_a_drain():
    inside = pod_of(fleet(pod_fleet(grace_s=900), SITE))["spec"]

    assert inside["terminationGracePeriodSeconds"] == 910
    assert variables(container(pod_of(fleet(pod_fleet(), SITE)), "game")) == {
        "READYUP_FLEET": "arena",
        "READYUP_ROOMS": "4",
        "READYUP_VERSION": "1.4.2",
        "READYUP_SESSIONS_URL": SITE.sessions_url,
        "READYUP_DRAIN_S": "1800",
        "READYUP_CPUS": "1",
    }


def test_hugepages_are_limits_and_a_volume():
    inside = pod_of(fleet(pod_fleet({"hugepages": {"2Mi": "64Mi"}}), SITE))["spec"]

    (game,) = inside["containers"]
    assert game["resources"]["limits"]["hugepages-2Mi"] == "64Mi"
    assert game["resources"]["requests"]["hugepages-2Mi"] == "64Mi"
    assert inside["volumes"] == [{"name": "hugepages-2mi", "emptyDir": {"medium": "HugePages-2Mi"}}]
    assert game["volumeMounts"] == [{"name": "hugepages-2mi", "mountPath": "/hugepages-2Mi"}]


def test_a_mesh_stays_out_unless_it_is_asked_in():
    off = pod_of(fleet(pod_fleet(), SITE))["metadata"]
    on = pod_of(fleet(pod_fleet({"mesh": True}), SITE))["metadata"]

    assert off["labels"]["sidecar.istio.io/inject"] == "false"
    assert off["annotations"]["linkerd.io/inject"] == "disabled"
    assert "sidecar.istio.io/inject" not in on["labels"]


def test_extra_fields_are_merged_and_not_swapped():
    pod = {
        "extra_pod": {"volumes": [{"name": "maps"}], "securityContext": {"fsGroup": 7}},
        "extra_container": {"env": [{"name": "TICK_HZ", "value": "60"}]},
    }

    inside = pod_of(fleet(pod_fleet(pod), SITE))["spec"]

    assert inside["volumes"] == [{"name": "maps"}]
    assert inside["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": 7,
    }
    assert inside["containers"][0]["env"][-1]["name"] == "TICK_HZ"


def test_the_fleet_owns_its_size_only_where_it_is_fixed():
    assert "replicas" not in fleet(pod_fleet(), SITE)["spec"]
    assert fleet(pod_fleet(replicas=12, buffer=0), SITE)["spec"]["replicas"] == 12


def test_our_plan_comes_first_and_a_buffer_when_we_do_not_answer():
    document = autoscaler(pod_fleet(size_min=1), SITE)

    assert document is not None
    plan, buffer = document["spec"]["policy"]["chain"]
    assert plan["webhook"]["service"] == {
        "name": "readyup-fleets",
        "namespace": "readyup",
        "path": "/v1/webhooks/fleets",
        "port": 8443,
    }
    assert plan["webhook"]["caBundle"] == "Q0E="
    assert buffer["buffer"] == {"bufferSize": 2, "minReplicas": 2, "maxReplicas": 100}


def test_without_a_webhook_or_a_size_to_choose_there_is_no_autoscaler():
    assert autoscaler(pod_fleet(), Site()) is None
    assert autoscaler(pod_fleet(replicas=3, buffer=0, reserve=0), SITE) is None


def test_a_whole_fleet_is_rendered_in_the_order_in_which_it_is_applied():
    pod = {"runtime_class": "rt", "runtime_handler": "runc-rt", "realtime": True}

    kinds = [one["kind"] for one in render(pod_fleet(pod), SITE)]

    assert kinds == ["PriorityClass", "RuntimeClass", "Fleet", "FleetAutoscaler"]


def test_the_api_server_asks_about_game_servers_and_never_goes_on_without_an_answer():
    document = pods_webhook(SITE)

    assert document is not None
    (webhook,) = document["webhooks"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["objectSelector"] == {"matchLabels": {"agones.dev/role": "gameserver"}}
    assert webhook["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": SITE.namespace}
    }, "another's game servers do not wait for us"
    assert webhook["clientConfig"]["service"]["path"] == "/v1/webhooks/pods"
    assert pods_webhook(Site()) is None


def test_the_values_for_agones_make_requests_limits():
    pod = pod_fleet({"sidecar_cpu": "50m"}).pod

    assert pod is not None
    assert sidecar_values(pod) == {
        "agones.image.sdk.cpuRequest": "50m",
        "agones.image.sdk.cpuLimit": "50m",
        "agones.image.sdk.memoryRequest": "32Mi",
        "agones.image.sdk.memoryLimit": "32Mi",
    }
