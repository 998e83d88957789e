"""`neural-memory ingest github-export` and `slack-export`: put what other systems were exported to into the inbox.

Reading and validating is the part of `steps/github_export.py` and `steps/slack_export.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.ingest_report import finish
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import progress_bars
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.github_export import ingest_github_export
from neural_memory_pipelines.steps.slack_export import ingest_slack_export

Workspace = Annotated[str, typer.Option("--workspace", "-w", help="The workspace to ingest into.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def github_export(
    folder: Annotated[Path, typer.Argument(help="A folder of JSON files, gzipped or not, in any depth.")],
    workspace: Workspace,
    repository: Annotated[
        str | None, typer.Option(help="owner/name, for objects that do not tell where they belong.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Ingest a backup of GitHub's issues and pull requests: REST objects, one file each, with all that belongs to them.

    The forms of github-backup and github-metadata-backup are known: issues and pull requests with their comments,
    reviews, events and timelines, in the same file or in files such as 12-comments.json beside it.
    """
    name = workspace_id(workspace)
    if repository is not None and not _REPOSITORY.fullmatch(repository):
        raise PermanentError(f"--repository {repository}: expected owner/name, such as acme/shop")
    with ready_session() as session, progress_bars() as bars:
        report = ingest_github_export(
            folder,
            workspace=name,
            organization_id=session.settings.organization_id,
            objects=session.stores.objects,
            repository=repository,
            on_progress=bars("files"),
        )
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.kinds.items()))
    said = f"{report.put:,} put into the inbox{f' ({kinds})' if kinds else ''}, {len(report.faults):,} refused"
    nothing = f"{folder}: no issue, pull request or comment of GitHub is in its JSON files"
    finish(report, said=said, nothing=nothing, json=json, more={"files": report.files, "kinds": dict(report.kinds)})


def slack_export(
    path: Annotated[Path, typer.Argument(help="The zip file of a workspace export, or the folder it was unpacked to.")],
    workspace: Workspace,
    json: AsJson = False,
) -> None:
    """Ingest a Slack workspace export: messages of all channels that it holds, and the people in them."""
    name = workspace_id(workspace)
    with ready_session() as session, progress_bars() as bars:
        report = ingest_slack_export(
            path,
            workspace=name,
            organization_id=session.settings.organization_id,
            objects=session.stores.objects,
            on_progress=bars("messages"),
        )
    said = f"{report.put:,} put into the inbox, {len(report.faults):,} refused"
    finish(report, said=said, nothing=f"{path}: no message is in this export", json=json)
