"""Finds, in texts that come from outside, what is addressed to a language model and not to a reader.

A net with wide meshes: it keeps known tricks out of summaries. What makes them harmless is that evidence is data.
"""

from __future__ import annotations

import re

_FORGET = r"\b(?:ignore|disregard|forget|override)\b"
_TOLD_BEFORE = r"(?:previous|prior|preceding|above|earlier|former|system|your)"
_ORDERS = r"(?:instruction|direction|prompt|guideline)s?"
_MODEL = r"(?:ai|assistant|language\s+model|llm|chatbot|summari[sz]er)s?"
_ORDER = re.compile(
    rf"{_FORGET}[^.!?\n]{{0,40}}\b{_TOLD_BEFORE}\b[^.!?\n]{{0,30}}\b(?:{_ORDERS}|rules?|messages?)\b"
    rf"|{_FORGET}[^.!?\n]{{0,40}}\b(?:{_ORDERS}|rules?|messages?)\b[^.!?\n]{{0,20}}\b(?:above|before)\b"
    rf"|{_FORGET}\s+(?:all|any|everything|the)\s+(?:(?:that|what|of)\s+)?(?:you\b|(?:instruction|prompt)s?\b)"
    rf"|\b(?:new|updated|hidden|secret|real|actual)\s+{_ORDERS}\s*(?:for\s+(?:the\s+)?{_MODEL}\b|:)"
    r"|\byou\s+are\s+(?:now|no\s+longer)\s+(?:an?|the|in|bound)\b"
    rf"|\b(?:dear|attention|note\s+to)\s+(?:an?\s+|the\s+|all\s+|any\s+)?(?:ai\s+)?{_MODEL}\b"
    r"|\byour\s+(?:summary|answer|reply|response|output)\s+(?:must|should|shall|has\s+to)\b"
    r"|\b(?:respond|reply|answer)\s+(?:only|exactly)\s+with\b"
    r"|\bpretend\s+(?:to\s+be|that\s+you)\b|\bdo\s+anything\s+now\b"
    r"|<\|[^|\n]{1,40}\|>|</?(?:system|assistant|instructions?|evidence)\b[^>\n]{0,60}>"
    r"|\[/?(?:INST|SYS)\]|<<\s*/?SYS\s*>>|\bEND\s+DATA\b"
    r"|[\"']role[\"']\s*:\s*[\"'](?:system|assistant)[\"']|[\"']sentences[\"']\s*:\s*\[",
    re.IGNORECASE,
)


def gives_orders(text: str) -> bool:
    """Tell whether a text speaks to a language model: orders, forged turns, forged ends of the data."""
    return _ORDER.search(text) is not None


def before_orders(text: str) -> str:
    """Give what a text says before the line in which it first speaks to a model: all of it, if it never does."""
    found = _ORDER.search(text)
    if found is None:
        return text
    return text[: text.rfind("\n", 0, found.start()) + 1] if "\n" in text[: found.start()] else ""
