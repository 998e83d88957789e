"""How the server says no: one exception, and its two wire forms. Which requests are refused is decided elsewhere."""

from __future__ import annotations

# HTTP status -> the control plane's code, and the number that the data plane gives the same fault.
_CODES = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("FORBIDDEN", 7),
    404: ("NOT_FOUND", 5),
    409: ("ALREADY_EXISTS", 6),
    413: ("OUT_OF_RANGE", 11),
    429: ("RESOURCE_EXHAUSTED", 8),
    500: ("INTERNAL", 13),
    501: ("UNIMPLEMENTED", 12),
    503: ("UNAVAILABLE", 14),
}


class RefusalError(Exception):
    """A request that the server answers with an error.

    Args:
        status: HTTP status.
        message: the sentence that the vendor gives, or one like it.
        retry_after_seconds: value of the Retry-After header.
        code: the control plane's code, if it is not the usual one of the status.
    """

    def __init__(
        self, status: int, message: str, *, retry_after_seconds: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.retry_after_seconds = retry_after_seconds

    def body(self, *, control_plane: bool) -> dict[str, object]:
        """Return the JSON body: `ErrorResponse` of the control plane, `rpcStatus` of the data plane."""
        name, number = _CODES.get(self.status, ("UNKNOWN", 2))
        if control_plane:
            return {"error": {"code": self.code or name, "message": self.message}, "status": self.status}
        return {"code": number, "message": self.message, "details": []}

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to the refusal."""
        return {} if self.retry_after_seconds is None else {"Retry-After": f"{self.retry_after_seconds:g}"}
