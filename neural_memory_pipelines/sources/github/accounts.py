"""Accounts of GitHub: users as its objects name them, and authors of commits.

Which accounts are one person is found out elsewhere. No e-mail address leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from neural_memory_pipelines.domain.accounts import Account, hash_email, login_id
from neural_memory_pipelines.domain.graph import NodeKind, NodeRef
from neural_memory_pipelines.sources.github.code_payloads import GitAuthor
from neural_memory_pipelines.sources.github.payloads import User

SYSTEM = "github"

_BOT_LOGIN = re.compile(r"(?i:\[bot\]|[-_](?:bot|robot))$|[a-z0-9]Bot$")
# Apps and service accounts whose type is "User", or whom people address without "[bot]".
_SERVICES = frozenset(
    {"codecov", "codecov-commenter", "copilot", "coderabbitai", "dependabot", "github-actions", "renovate", "web-flow"}
)
# GitHub's stand-in for an account that is gone: nobody.
_GHOST_ID = 10137
# Source: https://docs.github.com/en/account-and-profile, "Setting your commit email address".
_NOREPLY = re.compile(r"(?:(?P<id>[1-9][0-9]{0,18})\+)?(?P<login>[A-Za-z0-9_-]+(?:\[bot\])?)@users\.noreply\.[\w.-]+$")


def is_bot_login(login: str) -> bool:
    """Tell a bot by its login alone."""
    return login.lower() in _SERVICES or _BOT_LOGIN.search(login) is not None


def is_bot(user: User) -> bool:
    """Tell apps, bots and service accounts from people."""
    return user.type == "Bot" or is_bot_login(user.login)


def account_of(user: User | None) -> Account | None:
    """Describe a user; None for nobody."""
    if user is None or user.id == _GHOST_ID:
        return None
    return Account(f"{SYSTEM}:{user.id}", user.login, is_bot(user), handle=user.login)


def accounts_of(users: Iterable[User | None]) -> tuple[Account, ...]:
    """Describe users, each once."""
    return tuple(dict.fromkeys(account for user in users if (account := account_of(user))))


def git_author(author: GitAuthor, user: User | None = None) -> Account | None:
    """Describe the author of a commit, by the best of what is known.

    GitHub names a user where the address of the commit is one that the user has confirmed; the addresses that it makes
    up itself hold the user's id. Anyone may write any other address into a commit.

    Returns:
        None if the commit names nobody.
    """
    name = " ".join((author.name or "").split())
    found = _NOREPLY.fullmatch((author.email or "").strip())
    email_hash = None if found else hash_email(author.email)
    known = account_of(user)
    if known:
        return Account(known.provider_id, known.name, known.is_bot, known.handle, email_hash, email_hash is not None)
    login = author.username or (found["login"] if found else None)
    if login:
        provider_id = f"{SYSTEM}:{found['id']}" if found and found["id"] else login_id(SYSTEM, login)
        return Account(provider_id, name or login, is_bot_login(login), login, email_hash, email_hash is not None)
    if email_hash:
        return Account(f"git:{email_hash}", name or "unknown", is_bot_login(name), None, email_hash)
    return Account(login_id("git", name), name, is_bot_login(name)) if name else None


def person(account: Account | None) -> NodeRef | None:
    """Name the person of an account; None for nobody and for bots."""
    if account is None or account.is_bot:
        return None
    return NodeRef(NodeKind.PERSON, account.provider_id, name=account.name)
