"""Accounts of Notion: what several mentions of the same user in a payload say of it together.

Addresses end here, as hashes; joining accounts into persons happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.sources.notion.payloads import DisplayName, User

_GROUP = "group"


def provider_id(user_id: str) -> str:
    """Spell the provider id of a user, and the key of a group."""
    return f"notion:{user_id}"


def is_group(user: User) -> bool:
    """Tell a group, which people properties may hold, from a user."""
    return user.object == _GROUP


def gather_accounts(users: Iterable[User]) -> dict[str, Account]:
    """Join what is said of each user: one place tells the name, another only the id.

    Returns:
        Accounts by user id, in the order in which the users first occur. Groups are left out. The name of a user who
        is nowhere named is "".
    """
    gathered: dict[str, Account] = {}
    for user in users:
        if not is_group(user):
            known = gathered.get(user.id)
            gathered[user.id] = _joined(known, _account(user)) if known else _account(user)
    return gathered


def display_author(user: User | None, name: DisplayName | None) -> Account | None:
    """Tell who wrote a comment: the user by id, named as the comment shows it."""
    if user is None:
        return None
    account = _account(user)
    if name is None:
        return account
    shown = Account(account.provider_id, name.resolved_name or "", is_bot=name.type == "integration")
    return _joined(account, shown)


def author_of(user: User | None, accounts: Mapping[str, Account]) -> Account | None:
    """Look up who made something."""
    return accounts.get(user.id) if user else None


def _account(user: User) -> Account:
    email_hash = hash_email(user.person.email) if user.person else None
    return Account(
        provider_id=provider_id(user.id),
        name=" ".join((user.name or "").split()),
        is_bot=user.is_bot,
        email_hash=email_hash,
        # Notion lets nobody in with an address that was not confirmed; newer versions of the API say so.
        email_verified=bool(email_hash and user.person and user.person.email_verified is not False),
    )


def _joined(first: Account, second: Account) -> Account:
    address = first if first.email_hash else second
    return Account(
        provider_id=first.provider_id,
        name=first.name or second.name,
        is_bot=first.is_bot or second.is_bot,
        email_hash=address.email_hash,
        email_verified=address.email_verified,
    )
