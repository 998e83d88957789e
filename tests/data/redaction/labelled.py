"""The labelled set of redaction: snippets that hold something to redact, with place and kind, and snippets that hold
nothing.

Tests and `benchmarks/redaction.py` read it. Secrets are made here, from a prefix and a body drawn with a fixed seed: no
file of the project may hold a text that a secret scanner would take for a live one.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
SEED = 20261122

_LOWER_DIGITS = string.ascii_lowercase + string.digits
_UPPER_DIGITS = string.ascii_uppercase + string.digits
_BASE62 = string.ascii_letters + string.digits
_BASE64 = _BASE62 + "+/"
_BASE64_URL = _BASE62 + "-_"
_HEX = "0123456789abcdef"
_MARKED = re.compile("⟦(.*?)⟧", re.DOTALL)
_SLOT = re.compile(r"\{([a-z0-9-]+)\}")


@dataclass(frozen=True, slots=True)
class Positive:
    """A snippet with one or more places of one kind. `wanted` is the snippet as it must be after redaction."""

    kind: str
    text: str
    wanted: str
    secrets: tuple[str, ...]


def positives(seed: int = SEED, *, name: str = "positives") -> list[Positive]:
    """Load the snippets that hold something, with secrets drawn from the seed: "positives", or "held_out"."""
    rows: Mapping[str, list[str]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [
        _positive(kind, snippet, random.Random(f"{seed}/{kind}/{number}"))
        for kind, snippets in rows.items()
        for number, snippet in enumerate(snippets)
    ]


def negatives(seed: int = SEED) -> list[str]:
    """Load the snippets that hold nothing to redact."""
    snippets: list[str] = yaml.safe_load((FOLDER / "negatives.yaml").read_text(encoding="utf-8"))
    return [_filled(snippet, random.Random(f"{seed}/{number}")) for number, snippet in enumerate(snippets)]


def _positive(kind: str, snippet: str, draw: random.Random) -> Positive:
    marked = _filled(snippet, draw)
    secrets = tuple(_MARKED.findall(marked))
    assert secrets, f"nothing is marked in {snippet!r}"
    return Positive(kind, _MARKED.sub(r"\1", marked), _MARKED.sub(f"[redacted:{kind}]", marked), secrets)


def _filled(snippet: str, draw: random.Random) -> str:
    return _SLOT.sub(lambda slot: MAKERS[slot[1]](draw), snippet)


def _drawn(draw: random.Random, alphabet: str, count: int) -> str:
    return "".join(draw.choices(alphabet, k=count))


def _plain(prefix: str, alphabet: str, count: int, suffix: str = "") -> Callable[[random.Random], str]:
    return lambda draw: prefix + _drawn(draw, alphabet, count) + suffix


def _password(length: int) -> Callable[[random.Random], str]:
    def make(draw: random.Random) -> str:
        chosen = [
            draw.choice(kind) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%+^~")
        ]
        chosen += draw.choices(_BASE62, k=length - len(chosen) - 1)
        draw.shuffle(chosen)
        return "".join(chosen) + draw.choice(string.ascii_letters)

    return make


def _lines(draw: random.Random, count: int, separator: str) -> str:
    whole = [_drawn(draw, _BASE64, 64) for _ in range(count)]
    return separator.join([*whole, _drawn(draw, _BASE64, 34) + "=="])


def _pem(label: str, separator: str = "\n", *, headers: str = "", end: bool = True) -> Callable[[random.Random], str]:
    def make(draw: random.Random) -> str:
        opening = f"-----BEGIN {label}-----{separator}{headers}"
        closing = f"{separator}-----END {label}-----" if end else ""
        return opening + _lines(draw, 5, separator) + closing

    return make


def _putty(draw: random.Random) -> str:
    return "\n".join(
        (
            "PuTTY-User-Key-File-3: ssh-ed25519",
            "Encryption: none",
            "Comment: harbor",
            "Private-Lines: 1",
            _drawn(draw, _BASE64, 48),
            "Private-MAC: " + _drawn(draw, _HEX, 64),
        )
    )


def _jwt(draw: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    payload = {"sub": _drawn(draw, _HEX, 12), "iat": 1_760_000_000}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(payload)}.{_drawn(draw, _BASE64_URL, 43)}"


def _basic(draw: random.Random) -> str:
    return base64.b64encode(f"ada:{_drawn(draw, _BASE62, 12)}".encode()).decode()


def _uuid(draw: random.Random) -> str:
    return "-".join(_drawn(draw, _HEX, size) for size in (8, 4, 4, 4, 12))


def _joined(*makers: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    return lambda draw: "".join(make(draw) for make in makers)


def _discord(draw: random.Random) -> str:
    return f"M{_drawn(draw, _BASE62, 25)}.G{_drawn(draw, _BASE62, 5)}.{_drawn(draw, _BASE64_URL, 26)}Q"


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "pem-rsa": _pem("RSA PRIVATE KEY"),
    "pem-openssh": _pem("OPENSSH PRIVATE KEY"),
    "pem-pkcs8-escaped": _pem("PRIVATE KEY", "\\n"),
    "pem-ec-one-line": _pem("EC PRIVATE KEY", " "),
    "pem-rsa-cut": _pem("RSA PRIVATE KEY", end=False),
    "pem-encrypted": _pem("RSA PRIVATE KEY", headers="Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B\n\n"),
    "pem-rsa-quoted": _pem("RSA PRIVATE KEY", "\n> > "),
    "pgp": _pem("PGP PRIVATE KEY BLOCK", headers="Version: GnuPG v2\n\n"),
    "putty": _putty,
    "ssh2": lambda draw: _pem("SSH2 ENCRYPTED PRIVATE KEY")(draw).replace("-----", "----"),
    "ghp": _plain("ghp_", _BASE62, 36),
    "ghp-shown": lambda _: "ghp_" + "x" * 36,
    "akia-shown": lambda _: "AKIA" + "X" * 16,
    "pem-shown": lambda _: "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END " + "PRIVATE KEY-----",
    "pem-mark": lambda _: "-----BEGIN RSA " + "PRIVATE KEY-----",
    "gho": _plain("gho_", _BASE62, 36),
    "ghu": _plain("ghu_", _BASE62, 36),
    "ghs": _plain("ghs_", _BASE62, 36),
    "github-pat": _joined(_plain("github_pat_", _BASE62, 22), _plain("_", _BASE62, 59)),
    "glpat": _plain("glpat-", _BASE62, 20),
    "glrt": _plain("glrt-", _BASE62, 20),
    "lin-api": _plain("lin_api_", _BASE62, 40),
    "lin-oauth": _plain("lin_oauth_", _HEX, 64),
    "ntn": _plain("ntn_", _BASE62, 46),
    "notion-secret": _plain("secret_", _BASE62, 43),
    "xoxb": _joined(_plain("xoxb-", "123456789", 12), _plain("-", "123456789", 13), _plain("-", _BASE62, 24)),
    "xoxp": _joined(_plain("xoxp-", "123456789", 12), _plain("-", "123456789", 12), _plain("-", _HEX, 32)),
    "xoxe": _joined(_plain("xoxe-", "123456789", 11), _plain("-", "123456789", 12), _plain("-", _HEX, 64)),
    "xapp": _joined(_plain("xapp-1-A", _UPPER_DIGITS, 10), _plain("-", "123456789", 13), _plain("-", _HEX, 64)),
    "slack-hook": _joined(
        _plain("hooks.slack.com/services/T", _UPPER_DIGITS, 8),
        _plain("/B", _UPPER_DIGITS, 10),
        _plain("/", _BASE62, 24),
    ),
    "akia": _plain("AKIA", string.ascii_uppercase + "234567", 16),
    "asia": _plain("ASIA", string.ascii_uppercase + "234567", 16),
    "aws-example": lambda _: "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "aiza": _plain("AIza", _BASE64_URL, 34, "Q"),
    "gocspx": _plain("GOCSPX-", _BASE62, 28),
    "ya29": _plain("ya29.", _BASE62, 120),
    "sk-ant": _joined(_plain("sk-ant-api03-", _BASE62, 93), _plain("", _BASE62, 2)),
    "sk-proj": _plain("sk-proj-", _BASE62, 120),
    "sk-old": _joined(_plain("sk-", _BASE62, 20), _plain("T3BlbkFJ", _BASE62, 20)),
    "sk-svc": _plain("sk-svcacct-", _BASE62, 100),
    "sk-or": _plain("sk-or-v1-", _HEX, 64),
    "lsv2": _joined(_plain("lsv2_pt_", _HEX, 32), _plain("_", _HEX, 10)),
    "hf": _plain("hf_", string.ascii_letters, 34),
    "gsk": _plain("gsk_", _BASE62, 52),
    "r8": _plain("r8_", _BASE62, 37),
    "pplx": _plain("pplx-", _BASE62, 48),
    "xai": _plain("xai-", _BASE62, 80),
    "pcsk": _joined(_plain("pcsk_", _BASE62, 6), _plain("_", _BASE62, 63)),
    "sk-live": _plain("sk_live_", _BASE62, 99),
    "rk-live": _plain("rk_live_", _BASE62, 24),
    "sk-test": _plain("sk_test_", _BASE62, 24),
    "whsec": _plain("whsec_", _BASE62, 32),
    "twilio-sk": _plain("SK", _HEX, 32),
    "sendgrid": _joined(_plain("SG.", _BASE62, 22), _plain(".", _BASE62, 43)),
    "mailchimp": _plain("", _HEX, 32, "-us12"),
    "mailgun": _plain("key-", _HEX, 32),
    "resend": _joined(_plain("re_", _BASE62, 8), _plain("_", _BASE62, 24)),
    "sq0csp": _plain("sq0csp-", _BASE62, 43),
    "sq0atp": _plain("sq0atp-", _BASE62, 22),
    "shpat": _plain("shpat_", _HEX, 32),
    "npm": _plain("npm_", _BASE62, 36),
    "pypi": _plain("pypi-AgEIcHlwaS5vcmc", _BASE62, 120),
    "rubygems": _plain("rubygems_", _HEX, 48),
    "dckr": _plain("dckr_pat_", _BASE62, 27),
    "discord": _discord,
    "discord-hook": _joined(_plain("discord.com/api/webhooks/", "123456789", 19), _plain("/", _BASE62, 68)),
    "telegram": _joined(_plain("", "123456789", 10), _plain(":AA", _BASE62, 33)),
    "azure": _plain("", _BASE64, 86, "=="),
    "azure-bus": _plain("", _BASE64, 43, "="),
    "dop": _plain("dop_v1_", _HEX, 64),
    "hrku": _plain("HRKU-", _BASE62, 60),
    "bkua": _plain("bkua_", _HEX, 40),
    "dapi": _plain("dapi", _HEX, 32),
    "glsa": _joined(_plain("glsa_", _BASE62, 32), _plain("_", _HEX, 8)),
    "sntrys": _plain("sntrys_", _BASE62, 80),
    "nrak": _plain("NRAK-", _UPPER_DIGITS, 27),
    "hvs": _plain("hvs.", _BASE62, 90),
    "atlas": _joined(_plain("", _BASE62, 14), _plain(".atlasv1.", _BASE62, 67)),
    "doppler": _plain("dp.pt.", _BASE62, 43),
    "tskey": _joined(_plain("tskey-auth-k", _BASE62, 12), _plain("-", _BASE62, 32)),
    "pscale": _plain("pscale_tkn_", _BASE62, 43),
    "sbp": _plain("sbp_", _HEX, 40),
    "pmak": _joined(_plain("PMAK-", _HEX, 24), _plain("-", _HEX, 34)),
    "figd": _plain("figd_", _BASE62, 40),
    "airtable": _joined(_plain("pat", _BASE62, 14), _plain(".", _HEX, 64)),
    "atatt": _plain("ATATT3", _BASE62, 180),
    "akcp": _plain("AKCp", _BASE62, 69),
    "pul": _plain("pul-", _HEX, 40),
    "age": _plain("AGE-SECRET-KEY-1", _UPPER_DIGITS, 58),
    "jwt": _jwt,
    "jwt-cut": lambda draw: _jwt(draw)[:70],
    "basic": _basic,
    "django": _plain("q", _LOWER_DIGITS + "!+-", 48, "z"),
    "uuid": _uuid,
    "base62-24": _plain("", _BASE62, 24),
    "base62-32": _plain("", _BASE62, 32),
    "base62-40": _plain("", _BASE62, 40),
    "base64-40": _plain("", _BASE64, 40),
    "base64-44": _plain("", _BASE64, 43, "="),
    "base64-44-url": _plain("", _BASE62, 40, "%3D"),
    "base64-line": _plain("", _BASE64, 1200),
    "hex-7": _plain("", _HEX, 7),
    "hex-32": _plain("", _HEX, 32),
    "hex-40": _plain("", _HEX, 40),
    "hex-64": _plain("", _HEX, 64),
    "password-12": _password(12),
    "password-16": _password(16),
}
"""What `{name}` stands for in a snippet: a maker that draws it."""
