"""Where a role listens."""

from dataclasses import dataclass

from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a role listens."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise Invalid(f"{self.port} is outside 0-65535", field="$.port")
