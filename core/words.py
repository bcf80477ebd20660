"""How figures are told to people."""


def many(count: int, one: str, ending: str = "s") -> str:
    """A number and its noun.

    >>> many(1, "lost ticket"), many(2, "breach", "es")
    ('1 lost ticket', '2 breaches')
    """
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}{ending}"
