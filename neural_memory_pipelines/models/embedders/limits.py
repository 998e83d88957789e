"""How long a text an embedder reads, and the refusal of longer ones. Counting tokens is each embedder's own."""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.errors import PermanentError


class TextTooLongError(PermanentError):
    """A text has more tokens than the model reads.

    Args:
        model: model id.
        index: position of the text in the sequence that was handed over, from 0.
        tokens: tokens of the text.
        max_tokens: most tokens that the model reads.
    """

    def __init__(self, *, model: str, index: int, tokens: int, max_tokens: int) -> None:
        super().__init__(
            f"text {index} has {tokens} tokens, and {model} reads at most {max_tokens}: split it before embedding"
        )
        self.model = model
        self.index = index
        self.tokens = tokens
        self.max_tokens = max_tokens

    def at(self, index: int) -> TextTooLongError:
        """Say the same of another position: that of the text in the caller's own sequence."""
        return TextTooLongError(model=self.model, index=index, tokens=self.tokens, max_tokens=self.max_tokens)


def refuse_too_long(tokens: Sequence[int], *, model: str, max_tokens: int) -> None:
    """Refuse texts that the model would cut.

    Args:
        tokens: tokens of each text, without special tokens.
        model: model id, for the message.
        max_tokens: most tokens that the model reads.

    Raises:
        TextTooLongError: names the first text over the limit.
    """
    if max(tokens, default=0) <= max_tokens:
        return
    index, count = next((index, count) for index, count in enumerate(tokens) if count > max_tokens)
    raise TextTooLongError(model=model, index=index, tokens=count, max_tokens=max_tokens)
