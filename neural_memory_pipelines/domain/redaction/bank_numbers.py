"""Payment cards and bank accounts: digits whose check digit is right, in the shapes that their issuers print.

A number that is part of a longer one, of an address of the web or of an id is none, whatever its check digit says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from stdnum import iban, luhn, numdb

from neural_memory_pipelines.domain.redaction.spans import Span

CARD = "card"
IBAN = "iban"

_GAP = r"[ \u00a0-]"
_CARD = re.compile(
    r"(?<![\w./#@+$&-])(?=4|5[0-8]|2[2-7]|3[0-9]|6)(?:"
    rf"[0-9]{{4}}(?P<gap>{_GAP})[0-9]{{4}}(?P=gap)[0-9]{{4}}(?P=gap)[0-9]{{4}}(?P<tail>(?P=gap)[0-9]{{3}})?"
    rf"|3[0-9]{{3}}(?P<long>{_GAP})[0-9]{{6}}(?P=long)[0-9]{{4,5}}"
    r"|[0-9]{14,16})(?![\w/@#%-]|[.,:][0-9])"
)
# Issuers' ranges and lengths, https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN)
_ISSUED = re.compile(
    r"4[0-9]{15}|4[0-9]{18}"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|65[0-9]{2}|64[4-9][0-9])[0-9]{12}(?:[0-9]{3})?"  # Discover
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14}(?:[0-9]{3})?"  # UnionPay
    r"|(?:50[0-9]{2}|5[6-8][0-9]{2}|6304|6759|676[1-3])[0-9]{12}"  # Maestro
    r"|220[0-4][0-9]{12}"  # Mir
)
_ID_BEFORE = re.compile(
    r"(?:\b|_)(?:ids?|order|invoice|ticket|issue|build|run|job|seed|offset)[\"'`]?\s?[:=#]?\s?[\"'`]?\Z|#\s?\Z",
    re.IGNORECASE,
)
_REACH_BACK_CHARS = 32
_MAX_WORD_CHARS = 2_048

_IBAN_COUNTRY = re.compile(r"(?<![A-Za-z0-9/#_-])[A-Z]{2}(?=[0-9]{2}[ \u00a0-]?[A-Z0-9]{4})")
_BBAN_PART = re.compile(r"([1-9][0-9]*)!([nac])")
_BBAN_LETTERS = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


def find_cards(text: str, start: int, end: int) -> Iterator[Span]:
    """Find the numbers of payment cards in `text[start:end]`: issued range, right length, right check digit (Luhn)."""
    position = start
    while found := _CARD.search(text, position, end):
        # Three digits after a card of 16 are its security code more often than a part of its number.
        shapes = (found.group(), found.group().removesuffix(found["tail"] or ""))
        spelled = next((shape for shape in shapes if _is_issued(shape)), "")
        grouped = not spelled.isdigit()
        if spelled and (grouped or not _is_an_id(text, found.start(), line_start=start)):
            position = found.start() + len(spelled)
            yield Span(found.start(), position, CARD)
        else:
            position = found.start() + 1  # another number may begin with one of its groups


def _is_issued(spelled: str) -> bool:
    digits = re.sub(_GAP, "", spelled)
    return bool(_ISSUED.fullmatch(digits)) and luhn.is_valid(digits)


def find_ibans(text: str, start: int, end: int) -> Iterator[Span]:
    """Find the international bank account numbers in `text[start:end]`: country, its length, right check digits."""
    for country in _IBAN_COUNTRY.finditer(text, start, end):
        shape = _iban_shape(country.group())
        found = shape.match(text, country.start(), end) if shape else None
        if found and _is_account(found.group()):
            yield Span(found.start(), found.end(), IBAN)


def _is_account(spelled: str) -> bool:
    return iban.is_valid(spelled.replace("\u00a0", ""), check_country=False)


def _is_an_id(text: str, start: int, *, line_start: int) -> bool:
    """Say whether what stands before ungrouped digits makes them an id: a name such as `id:`, or a web address."""
    if _ID_BEFORE.search(text, max(line_start, start - _REACH_BACK_CHARS), start):
        return True
    before = text[max(line_start, start - _MAX_WORD_CHARS) : start]
    return bool(before) and not before[-1].isspace() and "/" in before.split()[-1]


@cache
def _iban_shape(country: str) -> re.Pattern[str] | None:
    """Build the shape of a country's numbers, which may be written in groups; None if the country has none."""
    known = numdb.get("iban").info(country)[0][1]
    parts = _BBAN_PART.findall(known.get("bban", "")) if known else []
    if not parts:
        return None
    body = "".join(rf"(?:[ \u00a0-]?{_BBAN_LETTERS[letters]}){{{count}}}" for count, letters in parts)
    return re.compile(rf"{country}[0-9]{{2}}{body}(?![A-Za-z0-9])")
