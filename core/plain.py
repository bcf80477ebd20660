"""What a decoder says of a wrong value, in the words of those who wrote it."""

import re

WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def plain(said: str) -> str:
    """A sentence of msgspec without its types.

    >>> plain("Expected `float | null`, got `str`")
    'must be a number or null, not text'
    >>> plain("Expected `array` of length >= 1")
    'must be a list of length >= 1'
    >>> plain("Object missing required field `players`")
    '`players` is missing'
    >>> plain("Object contains unknown field `mmr`")
    'there is no field `mmr`; leave it out'
    """
    if found := re.fullmatch(r"Expected `([^`]+)`(?:, got `([^`]+)`)?(.*)", said, re.DOTALL):
        wanted, got, more = found.groups()
        return f"must be {_words(wanted)}" + (f", not {_words(got)}" if got else "") + more
    if found := re.fullmatch(r"Object missing required field (`[^`]+`)", said):
        return f"{found[1]} is missing"
    if found := re.fullmatch(r"Object contains unknown field (`[^`]+`)", said):
        return f"there is no field {found[1]}; leave it out"
    return said


def _words(types: str) -> str:
    return " or ".join(WORDS.get(one, one) for one in types.split(" | "))
