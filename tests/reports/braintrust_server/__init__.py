"""A Braintrust for tests: what reports use of its REST API, and the login of its SDK, on a port of 127.0.0.1."""

from __future__ import annotations

from .faults import Fault
from .serving import BraintrustServer

__all__ = ["BraintrustServer", "Fault"]
