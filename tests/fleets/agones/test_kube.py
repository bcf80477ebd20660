"""Calls to the API server: what is sent, and what each refusal becomes."""

import asyncio
import json
from pathlib import Path

import pytest

from core.errors import Conflict, Forbidden, Invalid, NotFound, ReadyUpError, Unauthorized
from fleets.agones.answers import Gone, refusal
from fleets.agones.credentials import authorization, load_credentials
from fleets.agones.settings import KubernetesSettings
from fleets.ports import BackendAway
from tests.fleets.agones.api_server import FLEETS, SERVERS, FakeApi, game_server, kube_of


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Invalid), (401, Unauthorized), (403, Forbidden), (404, NotFound), (409, Conflict),
        (410, Gone), (422, Invalid), (429, BackendAway), (500, BackendAway), (503, BackendAway),
    ],
)  # fmt: skip
def test_each_refusal_has_an_error_of_ours(status: int, error: type[ReadyUpError]):
    found = refusal(status, {"message": "because"}, "GET /x")

    assert type(found) is error
    assert str(found).startswith("GET /x: because")


def test_an_invalid_object_is_told_with_its_field_and_the_servers_words():
    causes = [{"field": "spec.replicas", "message": "must be positive"}]
    body = {"message": "Fleet is invalid", "details": {"causes": causes}}
    found = refusal(422, body, "PATCH /x")

    assert isinstance(found, Invalid)
    assert found.field == "spec.replicas"
    assert "Fleet is invalid" in str(found)


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("9999", 60.0), ("Fri, 1 Jan 2027", 0.0), ("", 0.0)]
)
def test_a_busy_servers_wish_is_honoured_within_reason(header: str, seconds: float):
    found = refusal(429, None, "GET /x", retry_after=header)

    assert isinstance(found, BackendAway)
    assert found.retry_after_s == seconds


async def test_objects_are_read_written_and_deleted_in_their_life():
    api = FakeApi()
    api.put(SERVERS, game_server("a"))
    async with kube_of(api) as kube:
        assert (await kube.get(f"{SERVERS}/a"))["metadata"]["uid"] == "uid-a"
        with pytest.raises(NotFound):
            await kube.get(f"{SERVERS}/b")
        with pytest.raises(Conflict):
            await kube.delete(f"{SERVERS}/a", uid="uid-of-another-life")
        await kube.delete(f"{SERVERS}/a", uid="uid-a")
        body = {"metadata": {"name": "arena"}, "spec": {"template": {}}}
        await kube.patch(f"{FLEETS}/arena", body, kind="apply")
        await kube.patch(f"{FLEETS}/arena/scale", {"spec": {"replicas": 3}})

    assert not api.objects[SERVERS]
    assert api.objects[FLEETS]["arena"]["spec"] == {"template": {}, "replicas": 3}


async def test_a_watch_that_never_begins_is_given_up_long_before_its_end():
    async with kube_of(FakeApi(), request_timeout_s=0.3) as kube, asyncio.timeout(5):
        silent = await asyncio.start_server(lambda *_: asyncio.sleep(5), "127.0.0.1", 0)
        kube._loaded.host = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        with pytest.raises(BackendAway, match="no answer in time"):
            async for _ in kube.watch(SERVERS, "1", timeout_s=60):
                pass
        silent.close()


async def test_nobody_there_and_no_answer_in_time_are_the_same_to_us():
    api = FakeApi(lose_answers=1)
    async with kube_of(api, request_timeout_s=0.3) as kube:
        with pytest.raises(BackendAway):
            await kube.post(SERVERS, game_server("a"))
        api.objects.clear()
        host = kube._loaded.host
        silent = await asyncio.start_server(lambda *_: asyncio.sleep(5), "127.0.0.1", 0)
        kube._loaded.host = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        with pytest.raises(BackendAway, match="no answer in time"):
            await kube.get(SERVERS)
        silent.close()
        kube._loaded.host = "http://127.0.0.1:1"
        with pytest.raises(BackendAway):
            await kube.get(SERVERS)
        kube._loaded.host = host

        assert (await kube.get(SERVERS))["items"] == []


def kubeconfig(folder: Path, user: dict[str, object]) -> Path:
    path = folder / "config"
    context = {"cluster": "there", "user": "me"}
    path.write_text(
        json.dumps({
            "current-context": "one",
            "contexts": [{"name": name, "context": context} for name in ("one", "two")],
            "clusters": [{"name": "there", "cluster": {"server": "http://127.0.0.1:6443"}}],
            "users": [{"name": "me", "user": user}],
        })
    )  # fmt: skip
    return path


async def test_a_kubeconfig_says_where_and_who(tmp_path: Path):
    path = kubeconfig(tmp_path, {"token": "secret"})
    loaded = await load_credentials(
        KubernetesSettings(context="two"), environ={"KUBECONFIG": str(path)}
    )

    assert loaded.host == "http://127.0.0.1:6443"
    assert await authorization(loaded) == {"Authorization": "Bearer secret"}


async def test_a_plugin_is_asked_for_the_token(tmp_path: Path):
    said = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    said["status"] = {"token": "from-plugin"}  # type: ignore[assignment]  # JSON
    plugin = {"apiVersion": said["apiVersion"], "command": "echo", "args": [json.dumps(said)]}
    path = kubeconfig(tmp_path, {"exec": plugin})
    loaded = await load_credentials(KubernetesSettings(kubeconfig=str(path)))

    assert await authorization(loaded) == {"Authorization": "Bearer from-plugin"}


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        (KubernetesSettings(kubeconfig="/nowhere"), "set KUBECONFIG"),
        (KubernetesSettings(context="three"), "three"),
    ],
)
async def test_missing_credentials_are_refused_with_the_cure(
    tmp_path: Path, settings: KubernetesSettings, cure: str
):
    path = kubeconfig(tmp_path, {})
    with pytest.raises(Invalid, match=cure):
        await load_credentials(settings, environ={"KUBECONFIG": str(path)})


async def test_a_server_that_knows_us_no_more_makes_us_look_for_credentials_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    api = FakeApi()
    async with kube_of(api) as kube:
        path = kubeconfig(tmp_path, {"token": "new"})
        config = json.loads(path.read_text())
        config["clusters"][0]["cluster"]["server"] = kube._loaded.host
        path.write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(path))
        api.request_faults.append(401)
        await kube.get(SERVERS)

        assert await authorization(kube._loaded) == {"Authorization": "Bearer new"}
        api.request_faults.append(401)
        with pytest.raises(Unauthorized):  # a moment later it would change nothing
            await kube.get(SERVERS)


def test_settings_refuse_what_could_not_work():
    with pytest.raises(Invalid, match="ws://"):
        KubernetesSettings(sessions_url="http://x")
    with pytest.raises(Invalid, match="webhook_cert"):
        KubernetesSettings(webhook_port=8443)
