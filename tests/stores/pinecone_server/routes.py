"""Which handler answers which path of the data plane. What befalls a request on its way is in `app`."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from . import data_plane, imports, namespaces
from .exchange import Answer, Call
from .refusals import RefusalError
from .state import Project

Handler = Callable[[Project, Call], Answer]

_DATA: dict[tuple[str, str], Handler] = {
    ("POST", "/vectors/upsert"): data_plane.upsert,
    ("POST", "/vectors/delete"): data_plane.delete,
    ("GET", "/vectors/fetch"): data_plane.fetch,
    ("GET", "/vectors/list"): data_plane.list_vectors,
    ("POST", "/query"): data_plane.query,
    ("POST", "/describe_index_stats"): data_plane.describe_index_stats,
    ("GET", "/namespaces"): namespaces.list_namespaces,
    ("GET", "/bulk/imports"): imports.list_imports,
    ("POST", "/bulk/imports"): imports.start_import,
}
_DATA_BELOW: dict[tuple[str, str, str], Handler] = {
    ("GET", "/namespaces/", "namespace"): namespaces.describe_namespace,
    ("DELETE", "/namespaces/", "namespace"): namespaces.delete_namespace,
    ("GET", "/bulk/imports/", "id"): imports.describe_import,
    ("DELETE", "/bulk/imports/", "id"): imports.cancel_import,
}


def find_handler(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Return the handler of a request and the parameters in its path.

    Args:
        method: HTTP method.
        path: percent-encoded path below the host of the index.

    Raises:
        RefusalError: 501, the vendor may have such a call, this server has not.
    """
    if (method, path) in _DATA:
        return _DATA[method, path], {}
    for (wanted, prefix, name), handler in _DATA_BELOW.items():
        if method == wanted and path.startswith(prefix) and "/" not in path[len(prefix) :]:
            return handler, {name: unquote(path[len(prefix) :])}
    raise RefusalError(501, f"{method} {path} is not built into this test server")
