"""The people whom a file or a commit names, as accounts.

Which accounts are one person is decided elsewhere. An address is hashed and never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from neural_memory_pipelines.domain.accounts import Account, hash_email, login_id
from neural_memory_pipelines.domain.graph import NodeKind, NodeRef
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.sources.docs.payloads import GitAuthor

NAMES_LIMIT = 50

_NAME_LIMIT_CHARS = 120
_UNNAMED = "unnamed"
_BOT_SUFFIX = "[bot]"
_NOREPLY = re.compile(
    r"(?:(?P<id>\d{1,18})\+)?(?P<login>[\w-]+(?:\[bot\])?)@users\.noreply\.github\.com\Z", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"\[redacted:[\w-]{1,40}\]")
# "ada at example.org" is how lists spell an address that robots should not find.
_ADDRESS = re.compile(
    r"(?<![^\s<(,;])(?P<user>[\w.+-]{1,64}) ?(?:@| at ) ?(?P<host>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})(?![\w@])"
)
_BETWEEN_NAMES = re.compile(r"[,;\n]|\s(?:and|&)\s")
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.?d|md)\.?\Z", re.IGNORECASE)
_NOBODY = frozenset({"tbd", "todo", "none", "n/a", "unknown", "nobody"})
_TEAM = re.compile(r"@(?P<name>[\w-]{1,100}/[\w.-]{1,100})\Z")
_LOGIN = re.compile(r"@(?P<name>[A-Za-z0-9][A-Za-z0-9-]{0,99})\Z")
_LOGIN_LIKE = re.compile(r"(?P<name>(?!\d+\Z)[a-z0-9][a-z0-9-]{1,38})\Z")
_TEAM_WORD = re.compile(r"\b(?:team|squad|guild|chapter)\b", re.IGNORECASE)


def split_names(text: str) -> list[str]:
    """Part a list of people, as headers spell it, into one text each: "Ada <mail>, Grace and Barbara, Jr."."""
    names: list[str] = []
    for piece in _BETWEEN_NAMES.split(text):
        name = piece.strip()
        if names and _SUFFIX.match(name):
            names[-1] = f"{names[-1]}, {name}"
        elif name:
            names.append(name)
    return names[:NAMES_LIMIT]


def account_named(text: str) -> Account | None:
    """Read a person from "@login", "Ada Lovelace", "Ada <ada@example.org>" or "ada@example.org (Ada)".

    A word in lower case is taken for a login too: the files are in git, and a name would have a capital. Any other name
    is an account of the system "docs". A placeholder where an address was is left out.

    Returns:
        None if it names a team or nobody.
    """
    if team_named(text) is not None:
        return None
    login = _LOGIN.match(text.strip()) or _LOGIN_LIKE.match(text.strip())
    if login and login["name"] not in _NOBODY:
        return Account(login_id("github", login["name"]), login["name"], handle=login["name"])
    address = _ADDRESS.search(text)
    name = _bare_name(text)
    if not name or name.lower() in _NOBODY:
        return None
    return Account(
        provider_id=login_id("docs", name),
        name=name,
        is_bot=name.lower().endswith(_BOT_SUFFIX),
        email_hash=hash_email(f"{address['user']}@{address['host']}") if address else None,
    )


def team_named(text: str) -> NodeRef | None:
    """Read a team from "@organization/team", or from a name that says that it is one."""
    bare = text.strip()
    found = _TEAM.match(bare)
    if found:
        return NodeRef(NodeKind.TEAM, f"github:{found['name']}".lower(), name=found["name"])
    if _TEAM_WORD.search(bare) and not bare.startswith("@"):
        name = clip(bare, _NAME_LIMIT_CHARS)
        return NodeRef(NodeKind.TEAM, f"docs:{name}".lower(), name=name)
    return None


def account_of_commit(author: GitAuthor) -> Account | None:
    """Read a commit's author. The no-reply addresses of GitHub tell the login, and mostly the id.

    Source: https://docs.github.com/en/account-and-profile, "Setting your commit email address".

    Returns:
        None if neither a name nor an address is there.
    """
    address = (author.email or "").strip()
    name = _bare_name(author.name or "")
    noreply = _NOREPLY.match(address)
    if noreply:
        login = noreply["login"]
        provider_id = f"github:{noreply['id']}" if noreply["id"] else login_id("github", login)
        return Account(provider_id, name or login, _is_bot(name, login), handle=login)
    email_hash = hash_email(address)
    if email_hash is None and not name:
        return None
    provider_id = f"git:{email_hash}" if email_hash else login_id("git", name)
    return Account(provider_id, name or _UNNAMED, _is_bot(name), email_hash=email_hash)


def distinct(accounts: Iterable[Account | None]) -> tuple[Account, ...]:
    """Leave out who is nobody, and who was named before."""
    first: dict[str, Account] = {}
    for account in accounts:
        if account is not None:
            first.setdefault(account.provider_id, account)
    return tuple(first.values())


def _is_bot(*names: str) -> bool:
    return any(name.lower().endswith(_BOT_SUFFIX) for name in names)


def _bare_name(text: str) -> str:
    """Reduce a text to the name in it: no address, no placeholder, and what is in parentheses only if it is all."""
    without = _ADDRESS.sub(" ", _PLACEHOLDER.sub(" ", text[: 10 * _NAME_LIMIT_CHARS]))
    without = without.replace("<", " ").replace(">", " ")
    outside = _PARENTHESES.sub(" ", without)
    inside = " ".join(_PARENTHESES.findall(without))
    name = outside if re.search(r"\w", outside) else inside
    return clip(name.strip(" \t\n\r,;:'\""), _NAME_LIMIT_CHARS)
