"""What a demo that does not come up says, and when."""

from pathlib import Path
from typing import cast

import pytest

from core.errors import Unreachable
from core.redis import Store
from readyup.demo.roles import RoleProcess
from readyup.demo.stack import DEATHS_MAX, Stack
from readyup.settings import load


async def test_a_role_that_dies_again_and_again_is_told_at_once_with_its_last_words(
    tmp_path: Path,
):
    log = tmp_path / "logs" / "director-1.log"
    log.parent.mkdir()
    log.write_text("readyup serve: $.queues.duel: is wrong\n")
    process = RoleProcess("director-1", [], env={}, output=log)
    process.restarts = DEATHS_MAX
    config = load(environ={"READYUP_API_PORT": "1"})
    stack = Stack(config, cast("Store", None), tmp_path, {"director-1": process}, [], {})

    with pytest.raises(Unreachable, match=r"director-1 has died 3 times(.|\n)*duel: is wrong"):
        await stack.until_up()
