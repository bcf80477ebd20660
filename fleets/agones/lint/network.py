"""Rules: the host's network, ports, names, meshes."""

from collections.abc import Iterator

from fleets.agones.admitted import SIDECAR
from fleets.agones.lint.rule import Chapter, Hit
from fleets.agones.lint.subject import POD, POD_META, TEMPLATE, Subject, at, items, table, title
from fleets.agones.manifest import PODS_PATH
from fleets.agones.pods import SIDECAR_ANNOTATION

NETWORK = Chapter("Network")

SDK_PORTS = ("AGONES_SDK_GRPC_PORT", "AGONES_SDK_HTTP_PORT")
HEALTH_PORT = 8080


@NETWORK.note(
    "host-network",
    why="Without hostNetwork every datagram goes through address translation: some tens of "
    "microseconds, and a table of connections that can fill up.",
    cure="Set hostNetwork: true, with portPolicy: Passthrough and ReadyUp's pod webhook.",
)
def _host_network(subject: Subject) -> Iterator[Hit]:
    if not subject.host_network:
        yield f"{POD}.hostNetwork", "not on the host's network"


@NETWORK.error(
    "port-dynamic",
    why="Dynamic maps a host port to another one in the container; on the host's network there "
    "is no mapping. The API server refuses the pod, and the GameServer goes to Error.",
    cure="Set portPolicy: Passthrough.",
)
def _port_dynamic(subject: Subject) -> Iterator[Hit]:
    for path, port in subject.ports():
        if subject.host_network and port.get("portPolicy", "Dynamic") == "Dynamic":
            yield f"{path}.portPolicy", "Dynamic on the host's network"


@NETWORK.error(
    "port-static",
    why="On the host's network both are one port; two numbers make an invalid pod.",
    cure="Write the same number in containerPort and hostPort, or use portPolicy: Passthrough.",
)
def _port_static(subject: Subject) -> Iterator[Hit]:
    for path, port in subject.ports():
        static = subject.host_network and port.get("portPolicy") == "Static"
        if static and port.get("containerPort") != port.get("hostPort"):
            yield path, f"{port.get('containerPort')} in, {port.get('hostPort')} out"


@NETWORK.error(
    "port-passthrough",
    why="With Passthrough Agones chooses both numbers, and refuses a Fleet that names one.",
    cure="Leave containerPort and hostPort out.",
)
def _port_passthrough(subject: Subject) -> Iterator[Hit]:
    for path, port in subject.ports():
        if port.get("portPolicy") == "Passthrough" and {"containerPort", "hostPort"} & port.keys():
            yield path, "Passthrough with a port of its own"


@NETWORK.warning(
    "port-missing",
    why="A hostNetwork server without a port from Agones has nothing that is its own on the "
    "node, so ReadyUp's webhook refuses it, and the scheduler would put two on one node.",
    cure="Give the Fleet a port with portPolicy: Passthrough.",
)
def _port_missing(subject: Subject) -> Iterator[Hit]:
    owned = [one for _, one in subject.ports() if one.get("portPolicy") != "None"]
    if subject.host_network and not owned:
        yield f"{TEMPLATE}.ports", "no port of its own"


@NETWORK.error(
    "sdk-ports-shared",
    why="Agones gives every sidecar the same ports (its issue 1389). On the host's network the "
    'second server of a node finds them taken: its sidecar ends with "Could not listen".',
    cure="Run ReadyUp's pod webhook (`readyup fleet render --webhooks`), or keep one server to a "
    "node and many rooms in it.",
)
def _sdk_ports_shared(subject: Subject) -> Iterator[Hit]:
    asked = subject.annotation(SIDECAR_ANNOTATION) or any(map(_asks_us, subject.documents))
    if subject.host_network and not asked:
        yield f"{POD}.hostNetwork", "nothing gives each sidecar ports of its own"


def _asks_us(one: object) -> bool:
    if at(one, "kind") != "MutatingWebhookConfiguration":
        return False
    clients = [table(hook, "clientConfig") for hook in items(one, "webhooks")]
    where = [at(client, "service.path") or client.get("url", "") for client in clients]
    return any(str(one).endswith(PODS_PATH) for one in where)


@NETWORK.error(
    "sdk-ports-same",
    why="gRPC, REST and health need three ports. Health is 8080 and not Agones' to choose.",
    cure="Leave spec.template.spec.sdkServer out, or choose two other ports.",
)
def _sdk_ports_same(subject: Subject) -> Iterator[Hit]:
    sdk = table(subject.server, "sdkServer")
    ports = [sdk.get("grpcPort", 9357), sdk.get("httpPort", 9358), HEALTH_PORT]
    if len(set(ports)) < 3:
        yield f"{TEMPLATE}.sdkServer", f"ports {', '.join(map(str, ports))}"


@NETWORK.error(
    "health-port-taken",
    why="The containers of a pod share one network, on the host's even with the whole node: "
    "Agones' sidecar answers on 8080.",
    cure="Let the game listen elsewhere.",
)
def _health_port_taken(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        for n, port in enumerate(items(one, "ports")):
            if port.get("containerPort") == HEALTH_PORT and one.get("name") != SIDECAR:
                yield f"{path}.ports[{n}].containerPort", "8080 is the sidecar's"


@NETWORK.warning(
    "sdk-variables",
    why="Agones, and ReadyUp's webhook, write these; a value in the template is replaced, or "
    "leads the SDK to another server's sidecar.",
    cure="Take the variable out.",
)
def _sdk_variables(subject: Subject) -> Iterator[Hit]:
    for path, one in subject.containers():
        for n, variable in enumerate(items(one, "env")):
            if variable.get("name") in SDK_PORTS:
                yield f"{path}.env[{n}]", str(variable["name"])


@NETWORK.error(
    "dns-policy",
    why="On the host's network the default policy asks the node's own resolver, which knows no "
    "Service: the sessions API is not found.",
    cure="Set dnsPolicy: ClusterFirstWithHostNet.",
)
def _dns_policy(subject: Subject) -> Iterator[Hit]:
    policy = subject.pod.get("dnsPolicy", "ClusterFirst")
    if subject.host_network and policy not in ("ClusterFirstWithHostNet", "None"):
        yield f"{POD}.dnsPolicy", str(policy)


@NETWORK.warning(
    "dns-ndots",
    why="Kubernetes' default of 5 turns every name into up to five questions.",
    cure='Set dnsConfig.options: [{name: ndots, value: "1"}], and write names whole.',
)
def _dns_ndots(subject: Subject) -> Iterator[Hit]:
    options = {
        one.get("name"): str(one.get("value")) for one in items(subject.pod, "dnsConfig.options")
    }
    if options.get("ndots") not in ("0", "1", "2"):
        yield f"{POD}.dnsConfig.options", f"ndots is {options.get('ndots', '5')}"


@NETWORK.warning(
    "mesh",
    why="A mesh's proxy in the pod has no limits (so no core is exclusive), carries no UDP, and "
    "does not work on the host's network.",
    cure='Set the label sidecar.istio.io/inject: "false" and the annotation '
    "linkerd.io/inject: disabled on the pods.",
)
def _mesh(subject: Subject) -> Iterator[Hit]:
    key = "sidecar.istio.io/inject"
    istio = subject.label(key) or subject.annotation(key)
    linkerd = subject.annotation("linkerd.io/inject")
    if istio != "false":
        yield f"{POD_META}.labels.{key}", istio or "not switched off"
    if linkerd != "disabled":
        yield f"{POD_META}.annotations.linkerd.io/inject", linkerd or "not switched off"


@NETWORK.warning(
    "network-policy",
    why="A NetworkPolicy does not reach pods on the host's network; it looks like protection and "
    "is none. With health and SDK ports on the node that matters.",
    cure="Use a firewall of the nodes: UDP to the game's ports from everywhere, TCP to "
    "21000-22000 from the node alone.",
)
def _network_policy(subject: Subject) -> Iterator[Hit]:
    labels = {"agones.dev/role": "gameserver", **table(subject.fleet, f"{POD_META}.labels")}
    for one in subject.others("NetworkPolicy"):
        chosen = table(one, "spec.podSelector.matchLabels")
        if subject.host_network and chosen and chosen.items() <= labels.items():
            yield "spec.podSelector", f"{title(one)} selects pods on the host's network"


@NETWORK.warning(
    "second-network",
    why="With a network of its own (SR-IOV, Multus) the server's address is not the node's, "
    "which is what Agones tells players.",
    cure="Use portPolicy: None and publish the address with the SDK's SetAnnotation.",
)
def _second_network(subject: Subject) -> Iterator[Hit]:
    key = "k8s.v1.cni.cncf.io/networks"
    if subject.annotation(key) and any(
        port.get("portPolicy") != "None" for _, port in subject.ports()
    ):
        yield f"{POD_META}.annotations.{key}", subject.annotation(key)
