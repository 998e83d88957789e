"""Who acted or is named in a payload of Linear, as accounts, and which of them are no persons.

Joining accounts of several systems into persons happens elsewhere.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from neural_memory_pipelines.domain.accounts import Account, hash_email, login_id
from neural_memory_pipelines.sources.linear.neighbours import Actor, Bot, ExternalUser, User
from neural_memory_pipelines.sources.linear.payloads import Comment, Issue, Project

SYSTEM = "linear"

_PROFILE = re.compile(r"https?://linear\.app/[^/\s]{1,100}/profiles/([^/?#\s]{1,200})")
_APP_ADDRESS = re.compile(r"@oauthapp\.linear\.app\s*$", re.IGNORECASE)
"""What ends the address that Linear gives to the user of an app: nobody reads mail there."""

_BOT_ACTORS = frozenset({"oauthclient", "integration"})


def provider_id(user_id: str) -> str:
    """Spell the provider id of a user, an external user or an app."""
    return f"{SYSTEM}:{user_id}"


def user_account(user: User) -> Account:
    """Describe a member of the workspace, or an app that is installed as one. Linear confirms members' addresses."""
    return _account(user, is_bot=bool(user.app) or _is_app_address(user.email), is_verified=True)


def external_account(user: ExternalUser) -> Account:
    """Describe somebody who writes from another system; nobody vouches for the address.

    Source: the description of `ExternalUser` in Linear's schema: people without an account, who create issues and
    comment from Slack, GitHub and the like.
    """
    return Account(
        provider_id=provider_id(user.id), name=user.name or "", email_hash=hash_email(user.email), email_verified=False
    )


def bot_account(bot: Bot) -> Account:
    """Describe an integration, a workflow or an app."""
    name = bot.name or bot.type or "bot"
    return Account(provider_id(bot.id) if bot.id else login_id(SYSTEM, name), name, is_bot=True)


def actor_account(actor: Actor) -> Account:
    """Describe who caused a webhook."""
    kind = (actor.type or "user").lower()
    if kind in _BOT_ACTORS:
        return bot_account(Bot(id=actor.id, name=actor.name or actor.service, type=actor.type))
    if kind == "externaluser":
        return external_account(ExternalUser(id=actor.id, name=actor.name, email=actor.email))
    user = User(id=actor.id, name=actor.name, email=actor.email, url=actor.url)
    return _account(user, is_bot=_is_app_address(actor.email), is_verified=kind == "user")


def author_account(
    user: User | None, user_id: str | None, *, external: ExternalUser | None = None, bot: Bot | None = None
) -> Account | None:
    """Choose who wrote something: a bot only if no person did, for workflows touch what persons wrote.

    Args:
        user: as the payload describes the author.
        user_id: all that it says, where it does not; such an account has no name.
        external: the author, if it is somebody from another system.
        bot: what acted.
    """
    if user is not None:
        return user_account(user)
    if external is not None:
        return external_account(external)
    if user_id is not None:
        return Account(provider_id(user_id), "")
    return bot_account(bot) if bot is not None else None


def issue_author(issue: Issue) -> Account | None:
    """Tell who created an issue."""
    return author_account(issue.creator, issue.creator_id, external=issue.external_user_creator, bot=issue.bot_actor)


def comment_author(comment: Comment) -> Account | None:
    """Tell who wrote a comment."""
    return author_account(comment.user, comment.user_id, external=comment.external_user, bot=comment.bot_actor)


def project_author(project: Project) -> Account | None:
    """Tell who created a project; a webhook describes nobody but the lead."""
    creator = project.creator
    if creator is None and project.lead is not None and project.lead.id == project.creator_id:
        creator = project.lead
    return author_account(creator, project.creator_id)


def others(author: Account | None, *accounts: Account | None) -> tuple[Account, ...]:
    """List accounts once each, without the author's and those that are None; the first description counts."""
    known = {account.provider_id: account for account in reversed(accounts) if account is not None}
    if author is not None:
        known.pop(author.provider_id, None)
    return tuple(known[key] for key in sorted(known))


def _account(user: User, *, is_bot: bool, is_verified: bool) -> Account:
    profile = _PROFILE.match(user.url or "")
    handle = unquote(profile[1]) if profile else None
    email_hash = hash_email(user.email)
    return Account(
        provider_id=provider_id(user.id),
        name=user.name or handle or "",
        is_bot=is_bot,
        handle=handle,
        email_hash=email_hash,
        email_verified=is_verified and email_hash is not None,
    )


def _is_app_address(address: str | None) -> bool:
    return bool(_APP_ADDRESS.search(address or ""))
