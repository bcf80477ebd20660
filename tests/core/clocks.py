"""A clock that stands still until a test moves it."""

from dataclasses import dataclass

NOW = 1_700_000_000_000


@dataclass
class HandClock:
    now_ms: int = NOW

    def wall_us(self) -> int:
        return self.now_ms * 1000

    def wall_ms(self) -> int:
        return self.now_ms

    def elapsed_s(self) -> float:
        return self.now_ms / 1000
