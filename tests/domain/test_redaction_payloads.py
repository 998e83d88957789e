"""Redaction of payloads: the key decides the rules, and the shape of the payload stays."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact_payload
from tests.data.redaction.labelled import positives

ALL = RedactionPolicy.ALL
GITHUB = next(each for each in positives() if each.kind == "github-token").secrets[0]
RANDOM = next(each for each in positives() if each.kind == "bearer-token").secrets[0]
EMAIL = "ada@harbor.example"
CARD = "4111111111111111"

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([EMAIL, CARD, GITHUB, "x"]),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(st.sampled_from(["email", "id", "body", "html_url", "token", "ref", ""]), below, max_size=4)
    ),
    max_leaves=20,
)


def _redacted(payload: dict[str, Any], policy: RedactionPolicy = ALL) -> dict[str, Any]:
    return redact_payload(payload, policy)[0]


def test_texts_are_redacted_however_deep() -> None:
    payload = {"issue": {"body": f"mail {EMAIL}", "labels": [{"name": "a", "notes": [f"call 415-555-0132, {EMAIL}"]}]}}
    redacted, counts = redact_payload(payload, ALL)
    assert redacted == {
        "issue": {
            "body": "mail [redacted:email]",
            "labels": [{"name": "a", "notes": ["call [redacted:phone], [redacted:email]"]}],
        }
    }
    assert counts == {"email": 2, "phone": 1}


def test_the_payload_itself_stays() -> None:
    payload = {"body": EMAIL, "list": [EMAIL, {"text": EMAIL}]}
    before = copy.deepcopy(payload)
    redact_payload(payload, ALL)
    assert payload == before


def test_addresses_under_email_are_left_to_be_hashed() -> None:
    payload = {"author": {"name": "Ada", "email": EMAIL, "note": EMAIL}}
    assert _redacted(payload) == {"author": {"name": "Ada", "email": EMAIL, "note": "[redacted:email]"}}


def test_ids_times_and_paths_lose_secrets_only() -> None:
    keys = ["id", "node_id", "issueId", "sha", "login", "ts", "thread_ts", "created_at", "updatedAt", "ref", "before"]
    keys += ["after", "path", "previousPath", "store", "cursor", "last_edited_time", "head_sha"]
    for value in (CARD, EMAIL, "415-555-0132"):
        payload = dict.fromkeys(keys, value)
        assert _redacted(payload) == payload
    assert set(_redacted(dict.fromkeys(keys, GITHUB)).values()) == {"[redacted:github-token]"}


def test_links_lose_secrets_and_addresses() -> None:
    payload = {
        "html_url": "https://shop.example/o/415-555-0132",
        "href": f"mailto:{EMAIL}",
        "permalink": f"https://x.example/?access_token={RANDOM}",
        "clone_url": f"https://ada:{RANDOM}@git.example/shop.git",
    }
    assert _redacted(payload) == {
        "html_url": "https://shop.example/o/415-555-0132",
        "href": "mailto:[redacted:email]",
        "permalink": "https://x.example/?access_token=[redacted:secret]",
        "clone_url": "https://ada:[redacted:basic-auth]@git.example/shop.git",
    }


def test_a_key_that_names_a_secret_makes_its_value_one() -> None:
    payload = {
        "token": RANDOM,
        "apiKey": RANDOM,
        "config": {"secret": "********"},
        "nextPageToken": RANDOM,
        "key": RANDOM,
    }
    redacted, counts = redact_payload(payload, ALL)
    assert redacted == {**payload, "token": "[redacted:secret]", "apiKey": "[redacted:secret]"}
    assert counts == {"secret": 2}


def test_policies() -> None:
    payload = {"body": f"{EMAIL} {GITHUB}", "url": EMAIL}
    assert redact_payload(payload, RedactionPolicy.OFF) == (payload, {})
    assert _redacted(payload, RedactionPolicy.TOKENS) == {"body": f"{EMAIL} [redacted:github-token]", "url": EMAIL}


def test_nesting_deeper_than_calls_may_go() -> None:
    payload: dict[str, Any] = {"body": EMAIL}
    for _ in range(5_000):
        payload = {"below": [payload]}
    redacted, counts = redact_payload(payload, ALL)
    assert counts == {"email": 1}
    while "below" in redacted:
        redacted = redacted["below"][0]
    assert redacted == {"body": "[redacted:email]"}


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=5))
def test_redacting_twice_changes_nothing(payload: dict[str, Any]) -> None:
    once = _redacted(payload)
    again, counts = redact_payload(once, ALL)
    assert again == once
    assert not counts
