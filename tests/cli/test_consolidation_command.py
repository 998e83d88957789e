"""`neural-memory consolidation`: settings, how far consolidation is, and pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.steps.summarized import NIGHT, TOPICS, Summarized, summarized

from .conftest import Run


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Summarized:
    """Four observations and a summary; never consolidated as a whole."""
    return summarized(session, workspace, tmp_path / "docs")


def test_show_says_what_is_set_what_was_done_and_what_comes(run: Run, made: Summarized) -> None:
    def show() -> dict[str, object]:
        shown: dict[str, object] = run("consolidation", "show", "-w", made.workspace, "--json").json
        return shown

    first = show()
    assert first["last_night"] is None
    assert (first["pending"], first["new_observations"]) == ("it has never been consolidated", 4)
    assert (first["coverage"], first["pins"], first["changed_settings"]) == ({}, [], [])
    assert run("consolidation", "set", "timezone", "Europe/Berlin", "-w", made.workspace).code == 0
    made.night()
    second = show()
    assert str(second["last_night"]).startswith(f"{NIGHT:%Y-%m-%d %H:%M}")
    assert second["changed_settings"] == ["timezone"]
    assert second["new_observations"] == 0
    assert second["coverage"] == {"observations": 4, "in_topics": 4, "in_summaries": 4, "cited": 1, "aged": 4}
    made.tell(*TOPICS, "engines")
    assert show()["new_observations"] == 1


def test_show_as_tables_marks_defaults_and_names_local_times(run: Run, made: Summarized) -> None:
    made.night()
    run("consolidation", "set", "timezone", "Asia/Tokyo", "-w", made.workspace)
    run("consolidation", "pin", made.ids[0], "-w", made.workspace, "--reason", "an audit", "--by", "ada")
    shown = run("consolidation", "show", "-w", made.workspace).out
    said = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert said["timezone"] == ["Asia/Tokyo", "set"]
    assert said["night_at"] == [DEFAULT_CONSOLIDATION.night_at, "default"]
    assert said["keep_hot"] == ["false", "default"]
    assert "last night 2026-11-22 11:00 Asia/Tokyo" in " ".join(shown.split())
    assert "something changed since its last night" in shown
    assert said[made.ids[0]][:3] == ["ada", "an", "audit"]


def test_set_says_what_is_set_and_refuses_what_cannot_be(run: Run, made: Summarized) -> None:
    done = run("consolidation", "set", "age_after_days", "400", "-w", made.workspace)
    assert done.code == 0
    assert done.out == "age_after_days is 400 from now on\n"
    for name, value, why in (("colour", "blue", "there is no setting 'colour'"), ("night_at", "9pm", "time of day")):
        refused = run("consolidation", "set", name, value, "-w", made.workspace)
        assert refused.code == 2
        assert why in refused.err


def test_what_is_broken_is_shown_with_what_to_do_and_can_be_set_right(run: Run, made: Summarized) -> None:
    broken = '\'{"timezone": "Mars", "night_at": "9"}\'::jsonb'
    made.execute(f"UPDATE workspaces SET settings = jsonb_build_object('consolidation', {broken})")
    shown = run("consolidation", "show", "-w", made.workspace)
    assert shown.code == 2
    assert "neural-memory consolidation set NAME VALUE" in shown.err
    assert run("consolidation", "set", "timezone", "UTC", "-w", made.workspace).code == 0
    assert run("consolidation", "set", "night_at", "03:00", "-w", made.workspace).code == 0
    assert run("consolidation", "show", "-w", made.workspace).code == 0


def test_pin_and_unpin(run: Run, made: Summarized) -> None:
    key = made.ids[0]
    assert run("consolidation", "pin", key, "-w", made.workspace, "--reason", "an audit").code == 0
    made.age()
    assert key not in made.aged
    assert run("consolidation", "unpin", key, "-w", made.workspace).code == 0
    made.age()
    assert key in made.aged
    again = run("consolidation", "unpin", key, "-w", made.workspace)
    assert (again.code, "is not pinned" in again.err) == (2, True)
    unknown = run("consolidation", "pin", "obs_none", "-w", made.workspace, "--reason", "r")
    assert (unknown.code, "no observation 'obs_none'" in unknown.err) == (2, True)
    nowhere = run("consolidation", "show", "-w", "nowhere")
    assert (nowhere.code, "there is no workspace 'nowhere'" in nowhere.err) == (2, True)
