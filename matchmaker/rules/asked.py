"""What every kind of rules tells those who only need to know the teams."""


class Asked:
    """Base of the rules that a queue may have: a rating window, or a whole rule set."""

    __slots__ = ()

    def team_names(self) -> tuple[str, ...]:
        """Every team of a match, in the order of the rules."""
        raise NotImplementedError

    def party_max(self) -> int:
        """Players of the largest party that any team takes, at any age."""
        raise NotImplementedError

    def version(self) -> str:
        """Twelve hex digits that change whenever a rule does."""
        raise NotImplementedError
