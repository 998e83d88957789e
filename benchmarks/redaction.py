"""What redaction finds, what it takes for a finding wrongly, and how fast it is.

    python benchmarks/redaction.py [--data ../shared/data] [--list] [--seeds 20]

The labelled set is in tests/data/redaction, with secrets drawn anew for each seed. With --data, the real payloads and
texts of that folder are counted by kind; --list shows each different finding but addresses, to be judged by eye. Speed
is of one core, in megabytes (10^6 characters) a second of the processor, the best of three.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact, redact_payload
from neural_memory_pipelines.domain.redaction.engine import ALL_FINDERS
from neural_memory_pipelines.domain.redaction.spans import chosen_spans

ROOT = Path(__file__).parents[1]
ALL = RedactionPolicy.ALL
HOSTILE = ("1", "1-1-1-", "a@", "a@a.co ", "=", "password=a1", "4111 ", "DE89 ", "-----BEGIN ", "sk-", "ghp_", "eyJ")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    sys.path.insert(0, str(ROOT))
    _measure_labelled(importlib.import_module("tests.data.redaction.labelled"), seeds=chosen.seeds)
    if chosen.data.is_dir():
        for name, texts in _real_texts(chosen.data).items():
            _count_findings(name, texts, show=chosen.list)
        _measure_speed(chosen.data)
    _measure_hostile()


def _measure_labelled(labelled: Any, *, seeds: int) -> None:
    print("set          snippets  exact  recall  leaked")
    for name in ("positives", "held_out"):
        drawn = [each for seed in range(seeds) for each in labelled.positives(seed, name=name)]
        results = [redact(each.text, ALL).text for each in drawn]
        exact = sum(result == each.wanted for result, each in zip(results, drawn, strict=True))
        leaked = sum(any(s in result for s in each.secrets) for result, each in zip(results, drawn, strict=True))
        print(f"{name:12} {len(drawn):8} {exact:6} {exact / len(drawn):7.2%} {leaked:7}")
    texts = [text for seed in range(seeds) for text in labelled.negatives(seed)]
    alarms = sum(redact(text, ALL).text != text for text in texts)
    print(f"negatives    {len(texts):8}  false alarms: {alarms}\n")


def _real_texts(data: Path) -> Mapping[str, list[str]]:
    return {
        "github_webhooks": [text for payload in _webhooks(data) for text in _strings(payload)],
        "slack_export": [text for content in _slack(data) for text in _strings(content)],
        "notion_cassettes": [
            text
            for path in (data / "notion_cassettes").rglob("*.yaml")
            for text in _strings(yaml.safe_load(path.read_text(encoding="utf-8")))
        ],
        "handbook_18f": _files(data / "handbook_18f", "*.md"),
        "peps": _files(data / "peps", "*.rst"),
        "scifact": _files(data / "scifact", "*.*"),
        "banking77": _files(data / "banking77", "*.csv"),
    }


def _webhooks(data: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in (data / "github_webhooks").rglob("*.json")]


def _slack(data: Path) -> Iterator[Any]:
    for path in (data / "slack_export").rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            yield from (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json"))


def _files(folder: Path, pattern: str) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob(pattern))]


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            pending.extend(each.values() if isinstance(each, dict) else each)


def _count_findings(name: str, texts: Iterable[str], *, show: bool) -> None:
    counts: Counter[str] = Counter()
    different: dict[tuple[str, str], str] = {}
    chars = 0
    for text in texts:
        chars += len(text)
        for span in chosen_spans(text, ALL_FINDERS):
            counts[span.kind] += 1
            around = text[max(0, span.start - 30) : span.end + 20].replace("\n", " ")
            different.setdefault((span.kind, text[span.start : span.end]), around)
    print(f"{name:18} {chars / 1e6:6.1f} MB  {dict(counts) or 'nothing'}")
    if show:
        for (kind, found), around in different.items():
            if kind != "email":
                print(f"    {kind:14} {found[:48]:48} {around[:100]!r}")


def _measure_speed(data: Path) -> None:
    pages = _files(data / "peps", "*.rst") + _files(data / "handbook_18f", "*.md")
    clean = [redact(page, ALL).text for page in pages]
    payloads = _webhooks(data)
    payload_chars = sum(len(json.dumps(payload)) for payload in payloads)
    print("\nMB/s of")
    for policy in (RedactionPolicy.TOKENS, ALL):
        speed = _mb_per_second(lambda p=policy: [redact(page, p) for page in clean], chars=sum(map(len, clean)))
        print(f"  pages with nothing to redact, {policy}: {speed:.0f}")
    speed = _mb_per_second(lambda: [redact(page, ALL) for page in pages], chars=sum(map(len, pages)))
    print(f"  the same before redaction: {speed:.0f}")
    speed = _mb_per_second(lambda: [redact_payload(payload, ALL) for payload in payloads], chars=payload_chars)
    print(f"  webhook payloads: {speed:.0f}, {payload_chars / len(payloads) / speed / 1e3:.2f} ms each")


def _measure_hostile() -> None:
    print("\nseconds for a megabyte of")
    for unit in HOSTILE:
        text = unit * (1_000_000 // len(unit))
        print(f"  {unit!r:16} {1 / _mb_per_second(lambda t=text: redact(t, ALL), chars=len(text), times=1):.2f}")


def _mb_per_second(work: Callable[[], object], *, chars: int, times: int = 3) -> float:
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return chars / 1e6 / min(seconds)


if __name__ == "__main__":
    main()
