"""From a model id to its summarizer. SDKs are imported when a model is first asked for, not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders.access import ModelAccess
from neural_memory_pipelines.models.embedders.protocol import Vectors
from neural_memory_pipelines.models.summarizers.extractive import ExtractiveSummarizer
from neural_memory_pipelines.models.summarizers.protocol import Summarizer

__all__ = ["CHAT_MODELS", "EXTRACTIVE", "ChatModel", "load_summarizer"]

EXTRACTIVE = "extractive"


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A chat model that answers in JSON of a schema; `thinks` tells that it must be told not to think aloud first."""

    model: str
    thinks: bool = False

    @property
    def name(self) -> str:
        """Its name at the vendor."""
        return self.model.partition("/")[2]


# Source: docs.cohere.com/docs/models, /docs/structured-outputs and /docs/reasoning, read 2026-11-22. Command A+ is the
# newest; with production keys it is sold through Cohere's Model Vault alone, unlike the others.
CHAT_MODELS = (
    ChatModel("cohere/command-a-plus-05-2026", thinks=True),
    ChatModel("cohere/command-a-03-2025"),
    ChatModel("cohere/command-r-plus-08-2024"),
    ChatModel("cohere/command-r-08-2024"),
)
_CHAT_MODELS = {model.model: model for model in CHAT_MODELS}


def load_summarizer(model: str | None, *, access: ModelAccess, embed: Callable[[Sequence[str]], Vectors]) -> Summarizer:
    """Make the summarizer of a model.

    Args:
        model: "extractive", or `cohere/name` of a chat model; None for extractive.
        access: what models of vendors need; those on this machine need none.
        embed: gives one vector per text, in their order.

    Raises:
        ConfigurationError: no such model, or a key that is missing; names the setting.
    """
    extractive = ExtractiveSummarizer(embed)
    if model is None or model == EXTRACTIVE:
        return extractive
    if model not in _CHAT_MODELS:
        known = ", ".join([EXTRACTIVE, *sorted(_CHAT_MODELS)])
        raise ConfigurationError(
            f"NEURAL_MEMORY_SUMMARY_MODEL: there is no model {model!r} for summaries; known are {known}"
        )
    if not access.cohere_api_key:
        raise ConfigurationError(
            f"COHERE_API_KEY is not set, and NEURAL_MEMORY_SUMMARY_MODEL={model} needs it; "
            f"set it, or set NEURAL_MEMORY_SUMMARY_MODEL={EXTRACTIVE}"
        )

    from neural_memory_pipelines.models.cohere_client import open_cohere_client  # noqa: PLC0415  # heavy
    from neural_memory_pipelines.models.summarizers.cohere import CohereSummarizer  # noqa: PLC0415  # heavy

    client = open_cohere_client(access.cohere_api_key, base_url=access.cohere_base_url, retries=access.retries)
    return CohereSummarizer(client, model=_CHAT_MODELS[model], fallback=extractive)
