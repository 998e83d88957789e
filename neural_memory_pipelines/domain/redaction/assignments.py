"""Assigned secrets: values that are known for secrets by the name beside them, and look generated.

`password = ...`, `"api_key": "..."`, `Authorization: Bearer ...`, `--token ...` and the password of an address such as
`postgres://user:password@host`. Tokens that say themselves what they are live in `providers.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from neural_memory_pipelines.domain.redaction.randomness import looks_password, looks_random, names_an_example
from neural_memory_pipelines.domain.redaction.spans import Span

_SECRET = "secret"  # noqa: S105 - the name of a kind
_PASSWORD = "password"  # noqa: S105 - the name of a kind
_BEARER = "bearer-token"
_BASIC = "basic-auth"
ASSIGNED_KINDS = frozenset({_SECRET, _PASSWORD, _BEARER, _BASIC})

# What the name ends with, in lower case: letters that are quick to look for, the rest of it, the kind.
_STEMS: tuple[tuple[str, str, str], ...] = (
    ("pass", "(?:wor[dt]|wd|phrase)", _PASSWORD),
    ("pwd", "", _PASSWORD),
    ("secret", "", _SECRET),
    ("token", "", _SECRET),
    ("key", "", _SECRET),
    ("signature", "(?==)", _SECRET),  # of an address that is signed
    ("credential", "s?", _SECRET),
    ("&sig", "", _SECRET),
)
_GAP = r"[ \t]{0,4}"
# What stands between a name and its value: a sign, "is", or nothing but a blank, if the value is long.
_OPERATOR = (
    rf"(?:\\?[\"'`]\]?|\*\*)?(?:{_GAP}(?::=|=>|->|={{1,2}}|:|>|\|){_GAP}|[ \t]{{1,4}}(?:is|was)[ \t:]{{1,4}}"
    r"|[ \t][^\w\s][ \t]{1,2}|(?P<blank>[ \t]{1,2})(?=\S{20}))"
)
# Names are looked for in bytes, one for each character: to make these lower case is ten times as quick.
_ASSIGNMENTS = tuple(
    (letters.encode(), re.compile((letters + rest + _OPERATOR).encode()), kind) for letters, rest, kind in _STEMS
)
_NAMES = tuple((re.compile(rf"{letters}{rest}\Z".encode()), kind) for letters, rest, kind in _STEMS)
_OPENING = re.compile(r"(?:\*\*)?[ \t]{0,2}(?:[bfru]{0,2}(?=\\?[\"']))?(?P<quote>\\?[\"'`]|&quot;)?")
_QUOTED = re.compile(r"[^\s\"'`<>\\]{8,256}")
_BARE = re.compile(r"(?:[^\s\"'`<>,;(){}\[\]|\\&=]|&(?![&\w])|&(?=[\w.-]{1,40}(?![\w.=-]))){8,256}={0,3}")
# Without quotes, what goes on like a call, an index, a comparison or another assignment is an expression.
_GOES_ON = re.compile(r"[(\[=]|&&|(?<==)\w")
_OWNER_REACH_CHARS = 24
_NO_SECRET_OWNER = re.compile(
    rb"(?:page|next|continuation|sync|cursor|delta|public|public_?key|cancellation|search|request|change"
    rb"|action|idempotency|resume|test)[ _.-]?\Z"
)
# A key alone opens nothing: it may be one of a map, of a table, of a cache.
_KEY_OWNER = re.compile(
    rb"(?:api|access|secret|private|auth|account|signing|encryption|master|role|storage|app|application|client|shared"
    rb"|webhook|deploy|service|license|hmac|jwt|session|cookie)[ _.-]?\Z"
)
# Two hyphens and no third, spelled so that the search begins with a literal.
_FLAG_START = rb"--(?<!---)(?!-)[a-z-]{0,24}"
_FLAGS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(_FLAG_START + rb"(?:password|passphrase|passwd)[ \t]{1,4}[\"']?"), _PASSWORD),
    (re.compile(_FLAG_START + rb"(?:token|secret|api-?key)[ \t]{1,4}[\"']?"), _SECRET),
)
_BEARER_SCHEME = re.compile(rb"bearer[ \t]{1,4}([a-z0-9._~+/=-]{16,4096})")
_AUTHORIZATION = re.compile(
    rb"authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?:"
    rb"basic[ \t]{1,4}(?P<basic>[a-z0-9+/]{8,512}={0,2})"
    rb"|(?:(?:token|apikey|key)[ \t]{1,4})?(?P<token>[a-z0-9._~+/=-]{16,4096}))"
)
_URL_PASSWORD = re.compile(
    r"://(?P<user>[^\s:/?#@\[\]<>\"']{0,128}):(?P<password>[^\s/?@<>\"'\[\]]{3,256})@(?=[\w\[{$])"
)
_USER_FLAG = re.compile(
    r"-(?<!\S-)(?:u|-user)[ \t=]{1,2}[\"']?(?P<user>[^\s:\"'/]{1,64}):(?P<password>[^\s\"'/]{4,128})"
)
_SHOWN_PASSWORD = re.compile(
    r"pass|pw|pwd|token|x-oauth-basic|admin|root|postgres|guest|test|mysql|redis|x+|\*+|\.+|…", re.IGNORECASE
)


def find_assigned_secrets(text: str) -> Iterator[Span]:
    """Find the values that a name, a header, a flag or an address marks as secrets."""
    lower = _lowered(text)
    for letters, assignment, kind in _ASSIGNMENTS:
        if letters in lower:
            yield from _assigned(text, lower, assignment=assignment, kind=kind)
    if b"--" in lower:
        for flag, kind in _FLAGS:
            for found in flag.finditer(lower):
                yield from _judged(_bare_value(text, found.end()), kind)
    if b"bearer" in lower or b"authorization" in lower:
        yield from _headers(text, lower)
    yield from _user_passwords(text)


def secret_kind(name: str) -> str | None:
    """Tell what kind of secret a value of this name would be: of "apiKey", a secret; None of a name that tells none."""
    lower = _lowered(name)
    for ending, kind in _NAMES:
        found = ending.search(lower)
        if found:
            return kind if _names_secret(lower, found.start()) else None
    return None


def looks_secret(value: str, kind: str) -> bool:
    """Say whether a value looks like a secret of that kind: passwords may be shorter."""
    judge: Callable[[str], bool] = looks_password if kind == _PASSWORD else looks_random
    return judge(value)


def _lowered(text: str) -> bytes:
    """Give the text in lower case, a byte for each character; those beyond Latin-1 become question marks."""
    return text.encode("latin-1", "replace").lower()


def _assigned(text: str, lower: bytes, *, assignment: re.Pattern[bytes], kind: str) -> Iterator[Span]:
    covered = 0
    for found in assignment.finditer(lower):
        if found.start() >= covered and _names_secret(lower, found.start()):
            for span in _judged(_value(text, found.end()), kind):
                if found["blank"] is None or looks_random(text[span.start : span.end]):
                    covered = span.end
                    yield span


def _names_secret(lower: bytes, stem_start: int) -> bool:
    """Say whether the name whose last part begins there is a secret's, by the part before it."""
    owner = lower[max(0, stem_start - _OWNER_REACH_CHARS) : stem_start]
    if _NO_SECRET_OWNER.search(owner):
        return False
    return not lower.startswith(b"key", stem_start) or bool(_KEY_OWNER.search(owner))


def _value(text: str, start: int) -> re.Match[str] | None:
    opening = _OPENING.match(text, start)
    assert opening is not None, "a pattern of optional parts matches the empty text"
    return _QUOTED.match(text, opening.end()) if opening["quote"] else _bare_value(text, opening.end())


def _bare_value(text: str, start: int) -> re.Match[str] | None:
    found = _BARE.match(text, start)
    return None if found and _GOES_ON.match(text, found.end()) else found


def _judged(value: re.Match[str] | None, kind: str) -> Iterator[Span]:
    """Give the place of a value, without the sentence's own punctuation, if it looks like a secret."""
    if value is None:
        return
    spelled = value.group().rstrip(".,;:!?*)_")
    if looks_secret(spelled, kind):
        yield Span(value.start(), value.start() + len(spelled), kind)


def _headers(text: str, lower: bytes) -> Iterator[Span]:
    for found in _BEARER_SCHEME.finditer(lower):
        yield from _header_value(text, *found.span(1))
    for found in _AUTHORIZATION.finditer(lower):
        start, end = found.span("basic")
        if start >= 0 and _is_user_and_password(text[start:end]):
            yield Span(start, end, _BASIC)
        elif start < 0:
            yield from _header_value(text, *found.span("token"))


def _header_value(text: str, start: int, end: int) -> Iterator[Span]:
    value = text[start:end].rstrip(".")
    if looks_random(value):
        yield Span(start, start + len(value), _BEARER)


def _is_user_and_password(encoded: str) -> bool:
    try:
        return b":" in base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        return False


def _user_passwords(text: str) -> Iterator[Span]:
    for found in _URL_PASSWORD.finditer(text):
        if not _is_shown(found["password"], user=found["user"]):
            yield Span(*found.span("password"), _BASIC)
    if " -u" in text or "--user" in text:
        for found in _USER_FLAG.finditer(text):
            if looks_password(found["password"]):
                yield Span(*found.span("password"), _BASIC)


def _is_shown(password: str, *, user: str) -> bool:
    """Say whether the password of an address is a word that stands for one, or a default that guards nothing."""
    return bool(_SHOWN_PASSWORD.fullmatch(password)) or password.lower() == user.lower() or names_an_example(password)
