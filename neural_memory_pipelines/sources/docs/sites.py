"""Sites: how pages that a generator turns into a site name one another, by address or by a tag of a template.

Only spelling is known here; what an address means within the store is worked out in `names.py`.
"""

from __future__ import annotations

import re

_CONTENT_FOLDERS = (("src", "content"), ("src", "pages"), ("pages",), ("_pages",), ("content",))
# {% link guides/setup.md %} of Jekyll, {% page "/setup/" %} of 11ty: the argument begins at the site's root.
_TAG = re.compile(
    r"\{%-?[ \t]{0,8}[\w-]{1,40}[ \t]{1,8}[\"']?(?P<path>[^\"'\s{}%]{1,1000})[\"']?[ \t]{0,8}-?%\}", re.ASCII
)
# {{< ref "setup.md" >}} and {{% relref "setup.md" %}} of Hugo.
_SHORTCODE = re.compile(
    r"\{\{[<%][ \t]{0,8}(?:rel)?ref[ \t]{1,8}\"?(?P<path>[^\"\s{}<>%]{1,1000})\"?[ \t]{0,8}[>%]\}\}"
)
# {{ site.baseurl }}/setup/
_VARIABLES = re.compile(r"(?:\{\{[^{}\n]{1,100}\}\}){1,3}(?=/)")

TEMPLATED = r"\{%[^{}\n]{1,1100}%\}|(?:\{\{[^{}\n]{1,1100}\}\}){1,3}[^()\s<>{}]{0,1000}"
"""What may stand where the target of a link is expected, as a regular expression."""


def site_root(path: str) -> list[str]:
    """Find the folder whose files are the pages of a site, such as `pages/`; empty if the file is in none."""
    folders = path.split("/")[:-1]
    for names in _CONTENT_FOLDERS:
        if folders[: len(names)] == [*names]:
            return folders[: len(names)]
    return []


def without_template(target: str) -> str:
    """Reduce the target of a link to the path in it, if a template will put it together; else leave it."""
    if "{" not in target:
        return target
    shortcode = _SHORTCODE.fullmatch(target)
    if shortcode:
        return shortcode["path"]
    tag = _TAG.fullmatch(target)
    if tag:
        is_whole = tag["path"].startswith(("/", ".")) or ":" in tag["path"]
        return tag["path"] if is_whole else f"/{tag['path']}"
    return _VARIABLES.sub("", target, count=1)
