"""reStructuredText to a tree of nodes, by docutils, with nothing of docutils that reaches beyond the text.

What becomes of the nodes is decided in `blocks.py`.
"""

from __future__ import annotations

import copy
from functools import cache
from re import Match
from types import SimpleNamespace
from typing import Any

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Directive, Parser, directives, states
from docutils.transforms.references import Footnotes

from neural_memory_pipelines.sources.docs.rst.directives import (
    CODE,
    DROPPED,
    SAFE,
    BoundedCSVTable,
    Code,
    Dropped,
    Kept,
)
from neural_memory_pipelines.sources.docs.rst.roles import tolerant_inliner

_NOTHING_REPORTED = 5


def parse_rst(text: str) -> nodes.document:
    """Parse a text; what is wrong in it stands in the tree as system messages.

    Raises:
        Exception: docutils raises whatever its parts raise on odd input, RecursionError among them.
    """
    document = utils.new_document("", copy.copy(_settings()))
    parser = Parser(inliner=tolerant_inliner())
    parser.state_classes = _STATE_CLASSES
    parser.parse(text, document)
    Footnotes(document).apply()  # gives numbers to those that are numbered by themselves
    return document


@cache
def _settings() -> Any:
    settings = frontend.get_default_settings(Parser)
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    settings.report_level = settings.halt_level = _NOTHING_REPORTED
    settings.warning_stream = False
    settings.syntax_highlight = "none"
    settings.smart_quotes = False
    settings.pep_references = settings.rfc_references = False
    return settings


def _run_directive(state: states.Body, match: Match[str], **presets: Any) -> Any:
    name = match[1].lower()
    return state.run_directive(_directive_named(name, state), match, name, presets)  # type: ignore[no-untyped-call]


def _directive_named(name: str, state: states.Body) -> type[Directive]:
    if name in CODE:
        return Code
    if name in DROPPED:
        return Dropped
    if name == "csv-table":
        return BoundedCSVTable
    known = directives.directive(name, state.memo.language, state.document)[0] if name in SAFE else None
    return known or Kept


class _OwnDirectives:
    """What is mixed into each of docutils' parser states, so that directives come from our table alone."""

    # The states' own list would hand machines with other states from one parser to the next.
    nested_sm_cache: list[Any] = []  # noqa: RUF012 - docutils' own attribute
    explicit = SimpleNamespace(
        patterns=states.Body.explicit.patterns,
        constructs=[
            (_run_directive if method is states.Body.directive else method, pattern)
            for method, pattern in states.Body.explicit.constructs
        ],
    )

    def __init__(self, state_machine: Any, debug: bool = False) -> None:
        super().__init__(state_machine, debug)  # type: ignore[call-arg]
        self.nested_sm_kwargs = {"state_classes": _STATE_CLASSES, "initial_state": "Body"}

    def directive(self, match: Match[str], **presets: Any) -> Any:
        return _run_directive(self, match, **presets)  # type: ignore[arg-type]


# docutils finds its states by the names of their classes, which therefore stay.
_STATE_CLASSES: tuple[type[states.RSTState], ...] = tuple(
    type(state.__name__, (_OwnDirectives, state), {}) for state in states.state_classes
)
