"""What every reranker promises. Implementations live beside this module, one per vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Reads a question and texts together, and says how well each text answers it. Thread-safe; keeps nothing."""

    @property
    def model(self) -> str:
        """Model id, `provider/name`."""
        ...

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """Score texts by how well they answer a question.

        Args:
            question: in plain words.
            texts: any number of them; a model reads the beginning of one that is longer than it can read.

        Returns:
            One relevance per text, 0..1, in the order in which the texts were given. Relevances of one question and
            model can be compared, whatever other texts stood beside.

        Raises:
            ConfigurationError: the key of the model's service is refused.
            NotFoundError: no such model, or it is not open to this key.
            PermanentError: the service refuses the request.
            TransientError: the service did not answer.
            ContractError: the service answered, and not with a relevance for each text.
        """
        ...
