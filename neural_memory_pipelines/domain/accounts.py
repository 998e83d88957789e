"""Accounts: who did something, as a source names them, before it is known which accounts are one person.

Joining accounts into persons is `identity.py`'s part. An e-mail address is never held here, only its hash.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import hash_text

_HASH_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a source system.

    Attributes:
        provider_id: "<system>:<id>", the id that the system itself never gives to another ("github:583231",
            "slack:U024BE7LH"). Where there is only a name that may change, "<system>-login:<name in lower case>":
            such an account is taken for the one that bears the login, once that is known.
        name: what people read.
        handle: the login or user name, unique in its system at a time.
        email_hash: see `hash_email`.
        email_verified: the system itself vouches for the address (it was confirmed, or an administrator set it).
        is_bot: an app or a service account: never a person.
    """

    provider_id: str
    name: str
    is_bot: bool = False
    handle: str | None = None
    email_hash: str | None = None
    email_verified: bool = False

    @property
    def system(self) -> str:
        """The system that knows the account, without a trailing "-login"."""
        return self.provider_id.partition(":")[0].removesuffix("-login")


def hash_email(address: str | None) -> str | None:
    """Hash an e-mail address, so that two accounts with the same one can be told without keeping it.

    Returns:
        32 hexadecimal digits; None if there is no address. Case and outer white space make no difference.
    """
    spelled = (address or "").strip().lower()
    return hash_text(spelled)[:_HASH_DIGITS] if "@" in spelled else None


def login_id(system: str, login: str) -> str:
    """Spell the provider id of an account of which only the login is known."""
    return f"{system}-login:{login.strip().removeprefix('@').lower()}"
