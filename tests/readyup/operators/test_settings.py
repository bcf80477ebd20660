"""Who the operators are: what is refused, and with what cure."""

import pytest

from core.errors import Invalid
from readyup.operators.roles import Role
from readyup.operators.settings import ConsoleSettings, Operator, parse_console
from readyup.operators.tokens import new_token, owner, sha256

ANN = {"name": "ann", "role": "admin", "token_sha256": "a" * 64}


def test_operators_open_the_console_to_other_hosts():
    found = parse_console({"console": {"host": "0.0.0.0", "operators": [ANN]}})  # noqa: S104

    assert found.operators == (Operator("ann", Role.ADMIN, "a" * 64),)
    assert found.needs_login()
    assert not ConsoleSettings().needs_login()


@pytest.mark.parametrize(
    ("table", "place", "cure"),
    [
        ({"host": "0.0.0.0"}, "$.console.host", "readyup keys --operator"),  # noqa: S104
        ({"login": True}, "$.console.login", "readyup keys --operator"),
        ({"proxies": 11}, "$.console.proxies", "0-10"),
        ({"port": 70_000}, "$.console.port", "0-65535"),
        ({"operators": [ANN, ANN]}, "$.console.operators", "twice"),
        ({"operators": [ANN, ANN | {"name": "bo"}]}, "$.console.operators", "twice"),
        ({"operators": [ANN | {"name": "a b"}]}, "$.console.operators[0].name", "1 to 64"),
        ({"operators": [ANN | {"role": "root"}]}, "$.console.operators[0].role", "root"),
        ({"operators": [ANN | {"token_sha256": "x"}]}, "$.console.operators[0].token_sha256",
         "readyup keys"),
        ({"operators": [ANN | {"token": "x"}]}, "$.console.operators[0].token", "token_sha256"),
        ({"operators": "ann"}, "$.console.operators", ""),
        ({"logim": True}, "$.console.logim", "login"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_place_and_its_cure(table, place: str, cure: str):
    with pytest.raises(Invalid) as wrong:
        parse_console({"console": table})

    assert wrong.value.field == place
    assert cure in str(wrong.value)


def test_a_token_is_its_owners_and_nobody_elses():
    token = new_token()
    bo = Operator("bo", Role.VIEWER, sha256(token))

    assert owner(sha256(token), [Operator(**ANN), bo]) is bo
    assert owner(sha256(token + "x"), [bo]) is None
    assert token.startswith("ruo_")
