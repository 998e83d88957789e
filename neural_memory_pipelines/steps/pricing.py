"""What a model costs and how fast it may be asked. The numbers come from the settings and from the models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs; `inputs_per_minute` is None for a model on this machine."""

    dollars_per_million_tokens: float = 0.0
    inputs_per_minute: int | None = None

    def of(self, tokens: int) -> float:
        """Work out the dollars for tokens."""
        return tokens * self.dollars_per_million_tokens / 1_000_000


FREE = Price()
