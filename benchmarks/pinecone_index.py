"""Vectors per second and requests per 1,000 vectors through `PineconeIndex`, against the test server.

    python benchmarks/pinecone_index.py [--vectors 20000] [--batch 512]

The server runs in a process of its own on this machine, without the vendor's OpenAPI, so that it costs the least; it
answers at once, and what is measured is our client and the vendor's SDK. `batch` is how many vectors a step hands over.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

ROOT = Path(__file__).parents[1]
_SERVE = """import sys
from tests.stores.pinecone_server import PineconeServer
with PineconeServer() as server:
    print(server.url, server.api_key, flush=True)
    sys.stdin.read()
"""


@dataclass
class Requests:
    """Counts requests in the place of a throttle."""

    sent: int = 0

    def __call__(self, requests: int) -> None:
        self.sent += requests


@dataclass(frozen=True)
class Server:
    """The test server, and the process that it runs in."""

    url: str
    api_key: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vectors", type=int, default=20_000)
    options.add_argument("--batch", type=int, default=512)
    chosen = options.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{chosen.vectors} vectors, {chosen.batch} to a call")
    print("dim   step     vectors/s  requests/1,000  client cpu s  server cpu s  wall s")
    with _serving() as server:
        for dim in (384, 1536):
            _measure(server, dim=dim, vectors=chosen.vectors, batch=chosen.batch)


@contextmanager
def _serving() -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url, api_key = process.stdout.readline().split()
        yield Server(url, api_key, psutil.Process(process.pid))
        process.communicate()  # the end of its input ends it


def _measure(server: Server, *, dim: int, vectors: int, batch: int) -> None:
    records = _records(vectors, dim)
    parts = [records[start : start + batch] for start in range(0, vectors, batch)]
    requests = Requests()
    index, namespace = f"bench-{dim}", "ws_bench"
    with closing(PineconeIndex(api_key=server.api_key, host=server.url, throttle=requests)) as client:
        client.ensure_index(index, dim=dim)
        client.upsert(index, "warm-up", records[:10])

        def upsert() -> None:
            for part in parts:
                client.upsert(index, namespace, part)

        def list_ids() -> None:
            assert sum(1 for _ in client.list_ids(index, namespace)) == vectors

        def delete() -> None:
            for part in parts:
                client.delete(index, namespace, [record.id for record in part])

        for step in (upsert, list_ids, delete):
            sent, client_cpu_seconds, served_seconds = requests.sent, time.process_time(), server.cpu_seconds()
            started = time.perf_counter()
            step()
            wall_seconds = time.perf_counter() - started
            print(
                f"{dim:<5} {step.__name__:<8} {vectors / wall_seconds:>9.0f} "
                f"{(requests.sent - sent) / vectors * 1000:>15.2f} {time.process_time() - client_cpu_seconds:>13.2f} "
                f"{server.cpu_seconds() - served_seconds:>13.2f} {wall_seconds:>7.2f}"
            )


def _records(vectors: int, dim: int) -> list[VectorRecord]:
    """Make vectors of length 1, with ids and metadata as chunks have them."""
    chance = np.random.default_rng(7)
    values = chance.normal(size=(vectors, dim)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return [
        VectorRecord(
            id=f"doc_{number // 8:032x}#{number:016x}",
            values=row,
            metadata={
                "document_id": f"doc_{number // 8:032x}",
                "source": "docs",
                "type": "page",
                "privacy": "org",
                "occurred_at": 1_770_000_000 + number,
            },
        )
        for number, row in enumerate(values)
    ]


if __name__ == "__main__":
    main()
