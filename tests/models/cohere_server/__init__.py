"""A server that answers as Cohere's embedding API does, on this machine, for tests of the real SDK.

It checks every request as the vendor says it does, gives vectors that carry spelling, and can be told to fail.
It knows nothing of the package under test.
"""

from .faults import Fault, Faults, month_used_up, rate_limited
from .serving import CohereServer

__all__ = ["CohereServer", "Fault", "Faults", "month_used_up", "rate_limited"]
