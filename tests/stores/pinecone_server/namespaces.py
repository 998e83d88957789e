"""Namespaces of an index: list, describe, delete. Their records are in `data_plane`."""

from __future__ import annotations

from typing import Any

from .exchange import Answer, Call
from .limits import MAX_PAGE_ITEMS, check_name, check_range
from .pages import page_of
from .refusals import RefusalError
from .state import Project, Records


def list_namespaces(project: Project, call: Call) -> Answer:
    """List a page of namespaces, sorted bytewise, with a prefix if one is given."""
    limit = check_range("limit", call.number("limit", MAX_PAGE_ITEMS), most=MAX_PAGE_ITEMS)
    prefix = call.parameter("prefix") or ""
    seen = {name: records for name, records in call.index.read() if name.startswith(prefix)}
    page, pagination = page_of(sorted(seen), limit=limit, token=call.parameter("paginationToken"))
    body = {"namespaces": [_description(name, seen[name]) for name in page], "total_count": len(seen)}
    return Answer(body | pagination)


def describe_namespace(project: Project, call: Call) -> Answer:
    """Describe a namespace with its count."""
    name = check_name("Namespace", call.path_parameters["namespace"])
    records = call.index.namespace(name).read()
    if records is None:
        raise RefusalError(404, "Namespace not found")
    return Answer(_description(name, records))


def delete_namespace(project: Project, call: Call) -> Answer:
    """Delete a namespace and its records; a second time it is not found."""
    book = call.index.namespace(check_name("Namespace", call.path_parameters["namespace"]))
    if book.committed is None:
        raise RefusalError(404, "Namespace not found")
    book.commit(lambda held: None, reads_behind=project.reads_behind)
    return Answer({})


def _description(name: str, records: Records) -> dict[str, Any]:
    # A number in a string, as the vendor sends it.
    # Source: pinecone 10.2, `VectorsAdapter.to_namespace_description`
    return {"name": name, "record_count": str(len(records))}
