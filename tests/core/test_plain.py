"""What a decoder says, in words: every sentence that a wrong body or setting can bring."""

from typing import Annotated

import msgspec
import pytest

from core.plain import plain


class Seat(msgspec.Struct, forbid_unknown_fields=True):
    player: Annotated[str, msgspec.Meta(max_length=3)]
    rating: Annotated[float, msgspec.Meta(ge=0)] | None = None
    ready: bool = False
    tags: list[str] = msgspec.field(default_factory=list)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[]", "must be an object, not a list"),
        ("{}", "`player` is missing"),
        ('{"player": 7}', "must be text, not a whole number"),
        ('{"player": "anna"}', "must be text of length <= 3"),
        ('{"player": "ann", "rating": "x"}', "must be a number or null, not text"),
        ('{"player": "ann", "rating": -1}', "must be a number >= 0.0"),
        ('{"player": "ann", "ready": 1}', "must be true or false, not a whole number"),
        ('{"player": "ann", "tags": {}}', "must be a list, not an object"),
        ('{"player": "ann", "mmr": 1}', "there is no field `mmr`; leave it out"),
    ],
)
def test_a_wrong_value_is_told_without_types(body: str, words: str):
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(body, type=Seat)

    assert plain(str(caught.value).partition(" - at ")[0]) == words


def test_what_it_does_not_know_stays_as_it_is():
    assert plain("Number out of range") == "Number out of range"
