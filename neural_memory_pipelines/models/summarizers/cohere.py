"""Summaries by a chat model of Cohere's: asked with data, answered in JSON, held against the evidence, dropped or kept.

The connection, its retries and its errors are those of `cohere_client.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from cohere import JsonObjectResponseFormatV2, SystemChatMessageV2, Thinking, UserChatMessageV2, V2ChatResponse
from cohere.v2.client import OMIT

from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.domain.summaries.fitting import fitted
from neural_memory_pipelines.domain.summaries.grounding import Grounded, supported
from neural_memory_pipelines.errors import ConfigurationError, ContractError, NotFoundError, PermanentError
from neural_memory_pipelines.models.cohere_client import CohereClient
from neural_memory_pipelines.models.summarizers.answers import read_answer
from neural_memory_pipelines.models.summarizers.prompts import ANSWER_SCHEMA, PROMPT_VERSION, Prompt, summary_prompt
from neural_memory_pipelines.models.summarizers.protocol import Draft, Summarizer
from neural_memory_pipelines.models.summarizers.registry import ChatModel

_SEED = 20_261_122
_MOST_ANSWER_TOKENS = 2_000
_LEAST_SENTENCES = 3

_log = logging.getLogger(__name__)


class CohereSummarizer:
    """A chat model of Cohere's. What it says without support is dropped; if too little is left, another one writes.

    Evidence travels in the message and not as `documents`: the API refuses these together with a JSON format (read
    2026-11-22 at docs.cohere.com/reference/chat), and only the format makes each sentence name its evidence. Citations
    of the API would be the model's own word anyway; ours are checked.

    Args:
        client: the connection.
        model: the model.
        fallback: writes where the model's answer cannot be used.
    """

    def __init__(self, client: CohereClient, *, model: ChatModel, fallback: Summarizer) -> None:
        self.writer = f"{model.model}/{PROMPT_VERSION}"
        self._client = client
        self._model = model
        self._fallback = fallback

    def summarize(self, topic_label: str, evidence: Sequence[Evidence]) -> Draft:
        """Write the summary of a topic; see `Summarizer.summarize`.

        An answer that is cut off, no JSON of the schema, or refused by the vendor for what the evidence says, and one
        of which fewer than three sentences (or than there are observations) are supported, leaves the summary to the
        fallback; the draft's notes say so.

        Raises:
            ConfigurationError: COHERE_API_KEY is refused, or has no calls left.
            NotFoundError: no such model, or it is not open to this key.
            TransientError: the service did not answer.
            ContractError: the answer is not of the documented form.
        """
        if not evidence:
            return self._fallback.summarize(topic_label, evidence)
        prompt = summary_prompt(topic_label, evidence)
        try:
            answer = self._ask(prompt)
        except (ConfigurationError, NotFoundError):
            raise
        except PermanentError as error:
            return self._fall_back(topic_label, evidence, why=f"the request was refused: {error}")
        billed_tokens = _billed_tokens(answer)
        drafts = read_answer(_text_of(answer), prompt.evidence)
        if answer.finish_reason not in {"COMPLETE", "STOP_SEQUENCE"}:
            drafts = f"it ended with {answer.finish_reason}"
        if isinstance(drafts, str):
            why = f"the answer is no JSON of the schema: {drafts}"
            return self._fall_back(topic_label, evidence, why=why, billed_tokens=billed_tokens)
        grounded = supported(drafts, prompt.evidence)
        if len(grounded.sentences) < min(_LEAST_SENTENCES, len(prompt.evidence)):
            why = f"{len(grounded.sentences)} of {len(drafts)} sentences are supported{_reasons(grounded)}"
            draft = self._fall_back(topic_label, evidence, why=why, billed_tokens=billed_tokens)
            return replace(draft, unsupported=len(grounded.dropped))
        return self._draft(grounded, prompt, billed_tokens=billed_tokens)

    def _ask(self, prompt: Prompt) -> V2ChatResponse:
        return self._client.call(
            lambda sdk: sdk.chat(
                model=self._model.name,
                messages=[SystemChatMessageV2(content=prompt.system), UserChatMessageV2(content=prompt.user)],
                response_format=JsonObjectResponseFormatV2(json_schema=dict(ANSWER_SCHEMA)),
                temperature=0.0,
                seed=_SEED,
                max_tokens=_MOST_ANSWER_TOKENS,
                thinking=Thinking(type="disabled") if self._model.thinks else OMIT,
            ),
            purpose=f"summarize {len(prompt.evidence)} observations with {self._model.name}",
        )

    def _draft(self, grounded: Grounded, prompt: Prompt, *, billed_tokens: int) -> Draft:
        kept = fitted(grounded.sentences, prompt.evidence)
        notes = []
        if grounded.dropped:
            notes.append(f"{len(grounded.dropped)} sentences dropped{_reasons(grounded)}")
        if kept.left_out:
            notes.append(f"{kept.left_out} supported sentences left out for length")
        if kept.added:
            notes.append(f"{kept.added} sentences of decisions that the model did not tell added in their own words")
        return Draft(kept.sentences, self.writer, len(grounded.dropped), billed_tokens, tuple(notes))

    def _fall_back(self, topic_label: str, evidence: Sequence[Evidence], *, why: str, billed_tokens: int = 0) -> Draft:
        _log.warning("%s: %s; %s writes instead", self.writer, why, self._fallback.writer)
        draft = self._fallback.summarize(topic_label, evidence)
        note = f"written by {draft.writer} in place of {self.writer}: {why}"
        return replace(draft, billed_tokens=billed_tokens, notes=(note, *draft.notes))


def _text_of(answer: V2ChatResponse) -> str:
    # The SDK builds its objects from the answer unchecked: what must be there may not be.
    if getattr(answer, "message", None) is None:
        raise ContractError("Cohere answered a chat without a message; check CO_API_URL")
    # A model may think aloud first: the text is not always the first of the contents.
    contents = answer.message.content or ()
    return "".join(content.text for content in contents if content.type == "text")


def _billed_tokens(answer: V2ChatResponse) -> int:
    units = answer.usage.billed_units if answer.usage else None
    return int((units.input_tokens or 0) + (units.output_tokens or 0)) if units else 0


def _reasons(grounded: Grounded) -> str:
    reasons = sorted(set(grounded.dropped))
    return f" ({'; '.join(f'{grounded.dropped.count(reason)}: {reason}' for reason in reasons)})" if reasons else ""
