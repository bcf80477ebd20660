"""Signing in, staying in, being put out; and what a page from elsewhere may not do."""

import pytest

from core.redis import Store
from readyup.operators.roles import Role
from tests.readyup.operators.house import NOBODY, TOKENS, Client, Running, served


async def sign_in(running: Running, role: Role = Role.OPERATOR) -> Client:
    """A browser that has signed in: the session keeps the cookie."""
    browser = Client(running.http, {"Origin": running.origin})
    status, _ = await browser.post("/login", {"token": TOKENS[role]})
    assert status == 200
    return browser


async def test_a_token_gets_a_cookie_that_no_script_and_no_other_site_has(store: Store):
    async with served(store) as running:
        async with running.http.post(
            "/v1/operator/login", json={"token": TOKENS[Role.VIEWER]}
        ) as answer:
            cookie = answer.headers["Set-Cookie"]
            me = await answer.json()
        async with running.http.post(
            "/v1/operator/login",
            json={"token": TOKENS[Role.VIEWER]},
            headers={"X-Forwarded-Proto": "https"},
        ) as answer:
            secure = answer.headers["Set-Cookie"]
        kept = await store.call("KEYS", "{operators}:session:*")

    assert (me["name"], me["role"]) == ("the-viewer", "viewer")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Secure" in secure.split("; ")
    value = cookie.partition("=")[2].partition(";")[0]
    assert len(value) >= 43
    assert not any(value in key for key in kept), "the store knows its hash alone"


async def test_who_signed_in_may_look_and_change_until_they_sign_out(store: Store):
    async with served(store) as running:
        browser = await sign_in(running)
        page = await browser.ask("GET", "/", Accept="text/html")
        changed = await browser.post("/queues/duel/pause")
        out = await browser.post("/logout")
        after = await browser.get("/me")
        what = [record.what for record in await running.house.audited()]

    assert [page[0], changed[0], out[0], after[0]] == [200, 200, 200, 401]
    assert what == ["signOut", "pauseQueue", "signIn"]


async def test_a_browser_that_is_nobody_is_led_to_the_login_page(store: Store):
    async with served(store) as running:
        for path in ("/", "/audit", "/servers/x"):
            async with running.http.get(
                path, headers={"Accept": "text/html"}, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.headers["Location"]) == (302, "/login")
        async with running.http.get("/login") as login, running.http.get("/livez") as alive:
            assert (login.status, alive.status) == (200, 200)


async def test_an_admin_puts_an_operator_out_of_every_browser(store: Store):
    async with served(store) as running:
        browser = await sign_in(running)
        before = await browser.get("/me")
        dropped = await running.client(Role.ADMIN).post("/operators/the-operator/drop-sessions")
        after = await browser.get("/me")
        unknown = await running.client(Role.ADMIN).post("/operators/nobody/drop-sessions")
        token = await running.client(Role.OPERATOR).get("/me")

    assert [before[0], dropped[0], after[0], unknown[0]] == [200, 200, 401, 404]
    assert token[0] == 200, "a token is taken away in the settings"


async def test_a_sign_in_lasts_through_a_restart_and_ends_with_its_operator(store: Store):
    async with served(store) as running:
        await sign_in(running)
        cookie = next(iter(running.http.cookie_jar)).value
    async with served(store) as again:
        back = await again.client().get("/me", Cookie=f"readyup_operator={cookie}")
    others = tuple(one for one in again.house.door.settings.operators if one.role != "operator")
    async with served(store, operators=others) as without:
        gone = await without.client().get("/me", Cookie=f"readyup_operator={cookie}")

    assert (back[0], gone[0]) == (200, 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "same"},
        {"Sec-Fetch-Site": "same-site", "Origin": "same"},
        {},
    ],
)
async def test_a_page_from_elsewhere_changes_nothing(store: Store, headers: dict[str, str]):
    async with served(store) as running:
        await sign_in(running)
        sent = {k: running.origin if v == "same" else v for k, v in headers.items()}
        status, _ = await Client(running.http, sent).post("/queues/duel/pause")
        pause = await running.house.queue.pause.get()

    assert status == 403
    assert pause is None


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_form_changes_nothing(store: Store, kind: str):
    async with (
        served(store, NOBODY) as running,
        running.http.post(
            "/v1/operator/queues/duel/pause", data=b"{}", headers={"Content-Type": kind}
        ) as answer,
    ):
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["field"]) == (400, "Content-Type")


async def test_whoever_is_wrong_too_often_has_to_wait_even_with_the_right_token(store: Store):
    async with served(store) as running:
        wrong = Client(running.http, {"Authorization": "Bearer ruo_no"})
        statuses = [(await wrong.get("/me"))[0] for _ in range(12)]
        login, problem = await running.client().post("/login", {"token": TOKENS[Role.ADMIN]})

    assert statuses == [401] * 10 + [429] * 2
    assert login == 429
    assert problem["retry_after_s"] > 1


async def test_on_this_machine_without_operators_everybody_is_an_admin(store: Store):
    async with served(store, NOBODY) as running:
        _, me = await running.client().get("/me")
        changed, _ = await running.client().post("/queues/duel/pause")
        (record,) = await running.house.audited()
        login, _ = await running.client().post("/login", {"token": "x"})

    assert (me["name"], me["role"], me["login"]) == ("dev", "admin", False)
    assert (changed, login) == (200, 409)
    assert (record.who, record.how) == ("dev", "dev")


@pytest.mark.parametrize("headers", [{"Host": "evil.test"}, {"X-Forwarded-For": "203.0.113.9"}])
async def test_who_comes_by_another_name_or_through_a_proxy_may_only_look(
    store: Store, headers: dict[str, str]
):
    async with served(store, NOBODY) as running:
        stranger = Client(running.http, headers)
        _, me = await stranger.get("/me")
        changed, problem = await stranger.post("/queues/duel/pause")

    assert me["role"] == "viewer"
    assert changed == 403
    assert "this machine" in problem["detail"]


async def test_behind_a_proxy_the_audit_has_the_callers_address(store: Store):
    async with served(store, proxies=1) as running:
        boss = running.client(Role.OPERATOR)
        await boss.post("/queues/duel/pause", X_Forwarded_For="10.0.0.1, 2001:db8:1:2:3::4")
        (record,) = await running.house.audited()

    assert record.ip == "2001:db8:1:2::"


async def test_an_answer_names_its_request(store: Store):
    async with served(store) as running, running.http.get("/v1/operator/me") as answer:
        assert len(answer.headers["X-Request-Id"]) == 16
