"""Parts of a process say for themselves how they are."""

from core.health import Condition, Health


def test_every_part_is_asked_anew_each_time():
    says = ["opens", "serves"]
    health = Health()
    health.add("api", lambda: Condition(ready=says[0] == "serves", says=says.pop(0)))

    assert health.conditions() == {"api": Condition(ready=False, says="opens")}
    assert health.conditions() == {"api": Condition(ready=True, says="serves")}
