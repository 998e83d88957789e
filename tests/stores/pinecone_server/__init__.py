"""A Pinecone server for tests: the vendor's REST calls, limits and faults over records in memory. No product code."""

from .handle import PineconeServer
from .state import DEFAULT_NAMESPACE, StoredRecord

__all__ = ["DEFAULT_NAMESPACE", "PineconeServer", "StoredRecord"]
