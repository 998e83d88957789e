"""Phone numbers: with a country's code, in the written shapes of a few countries, or after a word that announces one.

Ids, dates, versions, addresses of machines and ranges of lines are digits with separators too; they are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neural_memory_pipelines.domain.redaction.spans import Span

PHONE = "phone"

_SEPARATOR = r"[ \u00a0./()\u2010-\u2013-]"
_LEFT = r"(?<![\w.+/#@&$-])"
_RIGHT = r"(?![\w@%]|[-.:/][0-9])"

_INTERNATIONAL = re.compile(rf"{_LEFT}(?:\+|%2B)(?P<number>(?=\(?[1-9])\(?(?:[0-9]{_SEPARATOR}{{0,3}}){{7,15}}[0-9])")
_TRUNK = "(0)"
_GOES_ON = re.compile(r"\w")
_DECIMAL = re.compile(r"[0-9]{7,}[.,][0-9]")
_GROUP = re.compile(r"[0-9]+")
# Codes that are given out, https://www.itu.int/pub/T-SP-E.164D
_COUNTRY = re.compile(
    r"1(?=[2-9][0-9]{2}[2-9])|7|2(?:[07]|[1-6][0-9]|9[01789])|3(?:[0-469]|[578][0-9])|4(?:[013-9]|2[013])"
    r"|5(?:[1-8]|[09][0-9])|6(?:[0-6]|[789][0-9])|8(?:[1246]|0[08]|5[02356]|[78][0-9])|9(?:[0-58]|[67][0-9]|9[2-68])"
)
# How many digits a number has with its country's code, https://www.itu.int/oth/T0202.aspx?parent=T0202
_LENGTHS: dict[str, tuple[int, int]] = {
    "1": (11, 11),
    "7": (11, 11),
    "30": (12, 12),
    "31": (10, 11),
    "32": (10, 11),
    "33": (11, 11),
    "34": (11, 11),
    "39": (9, 13),
    "41": (11, 11),
    "43": (9, 14),
    "44": (11, 12),
    "45": (10, 10),
    "46": (9, 12),
    "47": (10, 10),
    "48": (11, 11),
    "49": (9, 14),
    "55": (12, 13),
    "61": (11, 11),
    "81": (11, 12),
    "86": (11, 13),
    "91": (12, 12),
    "351": (12, 12),
    "353": (10, 12),
    "358": (9, 13),
}
_OTHER_LENGTHS = (10, 13)
_LEAST_UNSEPARATED = 10

# (415) 555-0132, 415-555-0132, 415.555.0132, 1-800-555-0132: https://www.nationalnanpa.com/
_NORTH_AMERICAN = re.compile(
    rf"{_LEFT}(?:1[ .-])?(?:\([2-9][0-9]{{2}}\)[ \u00a0.-]?[2-9][0-9]{{2}}[ .-]"
    rf"|(?!(?P<area>[2-9])(?P=area){{2}}([-.])(?P=area){{3}})[2-9][0-9]{{2}}(?P<gap>[-.])[2-9][0-9]{{2}}(?P=gap))[0-9]{{4}}{_RIGHT}"
)
# 020 7946 0958, 01632 960 123, 07700 900123; 01 99 00 12 34
_NATIONAL = re.compile(
    rf"{_LEFT}(?<![0-9A-Fa-f]{{2}}[ .:])"
    r"(?:0(?:2[0-9] [0-9]{4} [0-9]{4}|1[0-9]{3} [0-9]{3} ?[0-9]{3}|1[0-9]{2} [0-9]{3} [0-9]{4}"
    r"|7[0-9]{3} [0-9]{3} ?[0-9]{3}|(?:3|8)[0-9]{2} [0-9]{3} [0-9]{3,4})"
    r"|0[1-9](?P<pair>[ .-])[0-9]{2}(?:(?P=pair)[0-9]{2}){3})"
    rf"(?![ .:-]?[0-9A-Fa-f]{{2}}\b){_RIGHT}"
)
_ANNOUNCED = re.compile(rf"{_LEFT}(?:\(?[0-9]\)?)(?:{_SEPARATOR}{{0,3}}[0-9]){{6,14}}{_RIGHT}")
_ANNOUNCEMENT = re.compile(
    r"(?:\b(?:t[eé]l(?:[eé](?:phone|fon|fono|foon)|efonnummer)?|phone|fax|mobile|mobil|mob|cell|cellphone|handy|whatsapp"
    r"|hotline|rufnummer|durchwahl|pager|sms|dial|ring|call (?=me|us|at|on|him|her|them))\b|[☎📞📱]\ufe0f?)"
    r"(?:\W{0,4}(?:phone|number|num|no|nr|nummer|is|ist|at|on|to|me|us|him|her|them|my|the|work|home|office|line|under))*"
    r"\W{0,4}\Z",
    re.IGNORECASE,
)
_ANNOUNCING = re.compile(
    r"t[eé]l|phone|fax|mob|cell|handy|whatsapp|hotline|ruf|durchwahl|pager|sms|dial|ring|call|[☎📞📱]"
)
_REACH_CHARS = 40
_NO_PHONE = re.compile(
    r"(?:19|20)[0-9]{2}[-./ ]?[01][0-9][-./ ]?[0-3][0-9].*|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)?[0-9]{2}(?: .*)?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?|[1-9][0-9]*[.-][0-9]+"
)


def find_phones(text: str, start: int, end: int) -> Iterator[Span]:
    """Find the phone numbers in `text[start:end]`."""
    if text.find("+", start, end) >= 0 or text.find("%2B", start, end) >= 0:
        for found in _INTERNATIONAL.finditer(text, start, end):
            stop = _international_end(text, found)
            if stop:
                yield Span(found.start(), stop, PHONE)
    for shape in (_NORTH_AMERICAN, _NATIONAL):
        for found in shape.finditer(text, start, end):
            yield Span(found.start(), found.end(), PHONE)
    if _ANNOUNCING.search(text[start:end].lower()):
        yield from _announced(text, start, end)


def _international_end(text: str, found: re.Match[str]) -> int:
    """Find where a number that begins with a country's code ends: the last group that fits its length; 0 if none."""
    start, end = found.span("number")
    digits = "".join(_GROUP.findall(found["number"]))
    country = _COUNTRY.match(digits)
    if country is None or _DECIMAL.match(text, start):
        return 0
    least, most = _LENGTHS.get(country.group(), _OTHER_LENGTHS)
    if found["number"].isdigit():
        least = max(least, _LEAST_UNSEPARATED)
    trunk = found["number"].find(_TRUNK)
    stop = count = 0
    for group in _GROUP.finditer(text, start, end):
        in_trunk = trunk >= 0 and group.start() == start + trunk + 1
        count += 0 if in_trunk else len(group.group())
        if least <= count <= most and not _GOES_ON.match(text, group.end()):
            stop = group.end()
    return stop


def _announced(text: str, start: int, end: int) -> Iterator[Span]:
    for found in _ANNOUNCED.finditer(text, start, end):
        spelled = found.group()
        if _NO_PHONE.fullmatch(spelled) or (spelled.isdigit() and not 9 <= len(spelled) <= 12):
            continue
        if _ANNOUNCEMENT.search(text, max(start, found.start() - _REACH_CHARS), found.start()):
            yield Span(found.start(), found.end(), PHONE)
