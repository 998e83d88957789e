"""Payloads: every text of a JSON object redacted, by rules that the name of its key decides.

What a payload means is up to the sources; keys, numbers and the shape of the object stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from neural_memory_pipelines.domain.redaction.assignments import looks_secret, secret_kind
from neural_memory_pipelines.domain.redaction.engine import (
    ADDRESS_FINDERS,
    ALL_FINDERS,
    TOKEN_FINDERS,
    RedactionPolicy,
    redact_with,
)
from neural_memory_pipelines.domain.redaction.spans import Finder


class _KeyClass(Enum):
    """What the texts under a key are."""

    PLAIN = "plain"
    STRUCTURAL = "structural"  # ids, names of places, times: never personal by themselves
    LINK = "link"
    IDENTITY = "identity"  # e-mail addresses that the sources hash


_EMAIL_KEY = "email"
_STRUCTURAL = re.compile(
    r"ids?|uuid|guid|sha|oid|refs?|before|after|path|paths|previouspath|store|login|username|slug|cursor|ts|etag|hash"
    r"|digest|date|timestamp|added|removed|modified|renamed|identifier"
)
_STRUCTURAL_ENDS = re.compile(
    r"(?:[_-]?ids?|[_-]ref|[_-]sha|[_-]oid|[_-]at|[_-]time|[_-]ts|[_-]cursor|[_-]login|[_-]on)\Z"
)
_STRUCTURAL_CAMEL_ENDS = re.compile(r"(?<=[a-z])(?:Ids?|IDs?|Sha|Oid|Ref|At|Time|Ts|Cursor|Login)\Z")
_LINK_ENDS = re.compile(r"(?:url|urls|href|uri|permalink)(?:_(?:private|public|download))*\Z")
_ALL_BY_CLASS: Mapping[_KeyClass, tuple[Finder, ...]] = {
    _KeyClass.PLAIN: ALL_FINDERS,
    _KeyClass.STRUCTURAL: TOKEN_FINDERS,
    _KeyClass.LINK: ADDRESS_FINDERS,
    _KeyClass.IDENTITY: (),
}


def redact_payload(payload: Mapping[str, Any], policy: RedactionPolicy) -> tuple[dict[str, Any], Counter[str]]:
    """Redact all texts of a payload, however deep. The payload itself stays as it is.

    - Under `email`: left alone, for the sources hash it.
    - Under ids, logins, hashes, times and paths: secrets only.
    - Under links (`...url`, `href`, `uri`): secrets and e-mail addresses.
    - Under a name such as `password` or `apiKey`: the whole value, if it looks like a secret.
    - Elsewhere: all that the policy names. A list goes by the key that it stands under.

    Returns:
        A copy, and the number of places redacted by kind.
    """
    counts: Counter[str] = Counter()
    copy: dict[str, Any] = {}
    # A stack, for payloads nest deeper than calls may.
    pending: list[tuple[Any, Any, str]] = [(payload, copy, "")]
    while pending:
        source, target, key = pending.pop()
        for place, value, name in _members(source, key):
            if isinstance(value, str):
                target[place] = _redacted(name, value, policy=policy, counts=counts)
            elif isinstance(value, Mapping):
                target[place] = {}
                pending.append((value, target[place], name))
            elif isinstance(value, list):
                target[place] = [None] * len(value)
                pending.append((value, target[place], name))
            else:
                target[place] = value
    return copy, counts


def _members(source: Any, key: str) -> list[tuple[Any, Any, str]]:
    """List the places of an object or list, with what stands there and the key that it stands under."""
    if isinstance(source, Mapping):
        return [(name, value, str(name)) for name, value in source.items()]
    return [(index, value, key) for index, value in enumerate(source)]


def _redacted(key: str, value: str, *, policy: RedactionPolicy, counts: Counter[str]) -> str:
    if policy is RedactionPolicy.OFF or not value:
        return value
    key_class, kind = _judge_key(key)
    finders = _ALL_BY_CLASS[key_class]
    if policy is RedactionPolicy.TOKENS:
        finders = TOKEN_FINDERS if finders else ()
    redacted = redact_with(value, finders)
    counts.update(redacted.counts)
    if kind and redacted.text == value and looks_secret(value, kind):
        counts[kind] += 1
        return f"[redacted:{kind}]"
    return redacted.text


@lru_cache(maxsize=4096)
def _judge_key(key: str) -> tuple[_KeyClass, str | None]:
    """Tell what the texts under a key are, and what kind of secret the key names, if any."""
    lower = key.lower()
    if lower == _EMAIL_KEY:
        return _KeyClass.IDENTITY, None
    if _LINK_ENDS.search(lower):
        return _KeyClass.LINK, None
    structural = _STRUCTURAL.fullmatch(lower) or _STRUCTURAL_ENDS.search(lower) or _STRUCTURAL_CAMEL_ENDS.search(key)
    return (_KeyClass.STRUCTURAL if structural else _KeyClass.PLAIN), secret_kind(key)
