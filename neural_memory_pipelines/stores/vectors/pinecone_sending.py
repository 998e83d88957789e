"""Several requests at once, a bounded number of them, until all are done or one has failed.

What a request is, and whether it is sent again, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")


def send_all(items: Iterable[T], send: Callable[[T], None], *, at_once: int) -> None:
    """Send every item; after a failure none is begun, and those under way are waited for.

    Args:
        items: taken as they are needed, one ahead of those under way; it waits here, so that a failure stops it.
        send: called from several threads.
        at_once: most calls under way.

    Raises:
        Exception: the first failure of `send`, as it was.
    """
    items = iter(items)
    head = list(islice(items, 2))
    if len(head) < 2:  # the most frequent case wants no threads
        for item in head:
            send(item)
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="pinecone") as pool:
        pending: set[Future[None]] = set()
        try:
            for item in chain(head, items):
                if len(pending) >= at_once:
                    pending = _collect(pending)
                pending.add(pool.submit(send, item))
            while pending:
                pending = _collect(pending)
        finally:
            for future in pending:
                future.cancel()


def _collect(pending: set[Future[None]]) -> set[Future[None]]:
    done, rest = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return rest
