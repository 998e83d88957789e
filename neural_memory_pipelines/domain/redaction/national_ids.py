"""National ids: numbers that a state gives to a person, known by shape and, where there is one, by check digit.

A shape that other things share counts only after a word that names it, such as "Steuer-ID" or "BSN", on the same line.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from neural_memory_pipelines.domain.redaction.spans import Span

NATIONAL_ID = "national-id"

_LEFT = r"(?<![\w./#@+$-])"
_RIGHT = r"(?![\w/@#%]|[-.,:][\w])"
_CUE_REACH_CHARS = 48
# Between the word and the number: punctuation, and the words that people put there.
_BETWEEN = (
    r"\b(?:\W{0,4}(?:number|num|no|nr|nummer|numéro|numero|número|id|is|ist|was|of|the|my|her|his|mine|for))*\W{0,4}\Z"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A country's number.

    Attributes:
        shape: a regular expression of the whole number.
        checked_by: the module of python-stdnum that knows its check digit; None where it has none.
        cue: words, one of which must stand before it; "" where the shape is its own.
    """

    shape: str
    checked_by: str | None = None
    cue: str = ""


_RULES: tuple[_Rule, ...] = (
    # United States, social security number
    _Rule(r"[0-9]{3}-[0-9]{2}-[0-9]{4}", "us.ssn"),
    _Rule(r"[0-9]{3} ?[0-9]{2} ?[0-9]{4}", "us.ssn", r"ssn|social security"),
    # France, numéro de sécurité sociale
    _Rule(r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir"),
    # Spain, DNI and NIE
    _Rule(r"(?!(?:19|20)[0-9]{2}[01][0-9][0-3][0-9])[0-9]{8}-?[A-HJ-NP-TV-Z]", "es.dni"),
    _Rule(r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]", "es.nie"),
    # Italy, codice fiscale
    _Rule(r"[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]", "it.codicefiscale"),
    # United Kingdom, national insurance number, https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
    _Rule(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: [0-9]{2}){3} [A-D]"),
    _Rule(
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{6} ?[A-D]",
        cue=r"nino|ni|nat(?:ional)? ins(?:urance)?",
    ),
    # Germany, Steuerliche Identifikationsnummer
    _Rule(
        r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}",
        "de.idnr",
        r"steuer-?(?:liche )?(?:id|identifikations-?nummer|nummer)|idnr|id-nr|tax id",
    ),
    # Belgium, rijksregisternummer
    _Rule(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", "be.nn"),
    # Brazil, CPF
    _Rule(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf"),
    # Finland, henkilötunnus
    _Rule(r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Y]", "fi.hetu"),
    # Netherlands, burgerservicenummer
    _Rule(r"[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}|[0-9]{4}\.[0-9]{2}\.[0-9]{3}", "nl.bsn", r"bsn|burgerservice|sofi"),
    # Poland, PESEL
    _Rule(r"[0-9]{11}", "pl.pesel", r"pesel"),
    # Sweden, personnummer
    _Rule(r"[0-9]{6,8}[-+]?[0-9]{4}", "se.personnummer", r"personnummer|personal identity|pnr|personnr"),
    # Denmark, CPR
    _Rule(r"[0-9]{6}-?[0-9]{4}", "dk.cpr", r"cpr"),
    # Canada, social insurance number
    _Rule(r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", "ca.sin", r"sin|social insurance"),
    # Australia, tax file number
    _Rule(r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", "au.tfn", r"tfn|tax file"),
    # India, Aadhaar
    _Rule(r"[0-9]{4} ?[0-9]{4} ?[0-9]{4}", "in_.aadhaar", r"aadhaar|uidai"),
)
_SHAPES = re.compile(
    f"{_LEFT}(?:" + "|".join(f"(?P<r{n}>{rule.shape})" for n, rule in enumerate(_RULES) if not rule.cue) + f"){_RIGHT}"
)
_CUED = tuple(
    (
        re.compile(f"{_LEFT}(?:{rule.shape}){_RIGHT}"),
        re.compile(rf"\b(?:{rule.cue}){_BETWEEN}", re.IGNORECASE),
        rule.checked_by,
    )
    for rule in _RULES
    if rule.cue
)
_CUE_WORDS = re.compile("|".join(rule.cue for rule in _RULES if rule.cue))


def find_national_ids(text: str, start: int, end: int) -> Iterator[Span]:
    """Find the national ids in `text[start:end]`."""
    for found in _SHAPES.finditer(text, start, end):
        assert found.lastgroup is not None, "every alternative is a named group"
        if _is_valid(found.group(), _RULES[int(found.lastgroup[1:])].checked_by):
            yield Span(found.start(), found.end(), NATIONAL_ID)
    if not _CUE_WORDS.search(text[start:end].lower()):
        return
    for shape, cue, checked_by in _CUED:
        for found in shape.finditer(text, start, end):
            before = max(start, found.start() - _CUE_REACH_CHARS)
            if cue.search(text, before, found.start()) and _is_valid(found.group(), checked_by):
                yield Span(found.start(), found.end(), NATIONAL_ID)


def _is_valid(spelled: str, checked_by: str | None) -> bool:
    return checked_by is None or bool(_module(checked_by).is_valid(spelled.replace(" ", "")))


@cache
def _module(name: str) -> ModuleType:
    return importlib.import_module(f"stdnum.{name}")
