"""A server that answers as Cohere's embedding, rerank and chat APIs do, on this machine, for tests of the real SDK.

It checks every request as the vendor says it does, gives vectors and relevances that carry spelling, answers chats as a
test's own model says, and can be told to fail.
It knows nothing of the package under test.
"""

from .chat import ChatAnswer, ChatModel
from .faults import Fault, Faults, month_used_up, rate_limited
from .serving import CohereServer

__all__ = ["ChatAnswer", "ChatModel", "CohereServer", "Fault", "Faults", "month_used_up", "rate_limited"]
