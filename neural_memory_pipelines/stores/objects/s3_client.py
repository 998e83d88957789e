"""The connection to S3 or a server that speaks its protocol: builds a client, and reads the errors of its SDK.

What is stored, and how, is `s3.py`'s part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as sdk
from botocore.config import Config
from botocore.parsers import ResponseParserError

from neural_memory_pipelines.errors import (
    ConfigurationError,
    NeuralMemoryError,
    NotFoundError,
    PermanentError,
    TransientError,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# What the SDK raises for a failed call. The last is not of its family: an answer that is no S3 at all.
SDK_ERRORS = (sdk.BotoCoreError, sdk.ClientError, ResponseParserError)

_CREDENTIALS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if they are temporary)"
_ALLOW = "which must allow s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject on its objects"
_BUCKET = "create the bucket, or correct S3_BUCKET (and AWS_REGION, AWS_ENDPOINT_URL_S3)"
_REGION = "set AWS_REGION to the region of the bucket, and AWS_ENDPOINT_URL_S3 only for a server other than AWS"
_CERTIFICATE = "correct AWS_ENDPOINT_URL_S3, or name a file with the authority of its certificate in AWS_CA_BUNDLE"
_NOT_S3 = "the answer is not one of S3; if this stays, correct AWS_ENDPOINT_URL_S3"
_CLOCK = "set the clock of this machine: requests carry its time"

_WRONG_SETTINGS = {
    "NoSuchBucket": _BUCKET,
    "InvalidBucketName": _BUCKET,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "RequestTimeTooSkewed": _CLOCK,
    # Expired and unknown ones come with status 400.
    "ExpiredToken": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "TokenRefreshRequired": _CREDENTIALS,
}
# Beside these, every status of 500 or more and 429.
_PASSING = {
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
}
_NO_CREDENTIALS = (
    sdk.CredentialRetrievalError,
    sdk.LoginError,
    sdk.NoAuthTokenError,
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.ProfileNotFound,
    sdk.SSOError,
    sdk.TokenRetrievalError,
    sdk.UnknownCredentialError,
)
_ON_THE_WAY = (
    sdk.ConnectionError,
    sdk.FlexibleChecksumError,
    sdk.HTTPClientError,
    sdk.IncompleteReadError,
    sdk.MetadataRetrievalError,
)


def s3_client(
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    max_attempts: int = 4,
    concurrent_requests: int = 16,
) -> S3Client:
    """Build a client whose waits and retries are bounded. It connects with the first request.

    Args:
        region: of the bucket; without one, what the SDK finds in its own configuration.
        endpoint_url: of a server other than AWS.
        access_key_id: without one, credentials come from the SDK's usual chain: environment, profile, role.
        secret_access_key: goes with `access_key_id`.
        session_token: goes with temporary keys.
        max_attempts: how often a request is sent at most, 1 or more; waits between them grow to seconds.
        concurrent_requests: how many connections are kept, and thereby how many requests a store sends at a time.

    Raises:
        ConfigurationError: a key without the other, or a region, endpoint or profile that cannot be right.
    """
    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": max_attempts},
        max_pool_connections=concurrent_requests,
        tcp_keepalive=True,
    )
    try:
        # A session of its own: the default one is shared by all libraries of the process, and not thread-safe.
        client: S3Client = boto3.session.Session().client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            aws_session_token=session_token,
            config=config,
        )
    except _NO_CREDENTIALS as error:
        raise ConfigurationError(f"S3 has no complete credentials ({error}): {_CREDENTIALS}") from error
    except (sdk.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"no S3 client can be made ({error}): check AWS_REGION and AWS_ENDPOINT_URL_S3, which is http(s)://host:port"
        ) from error
    return client


def address_of(client: S3Client) -> str:
    """Name the server that a client talks to, without what else its URL may hold."""
    parts = urlsplit(client.meta.endpoint_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def status_of(error: sdk.ClientError) -> int:
    """Read the HTTP status of a refused request; 0 if there was none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def translate(error: Exception, where: str) -> NeuralMemoryError:
    """Say what an error of the SDK means.

    Args:
        error: one of `SDK_ERRORS`.
        where: what failed, and where; opens the message.
    """
    if isinstance(error, sdk.ClientError):
        return _answered(error, where)
    setting = _setting_behind(error)
    if setting is not None:
        return ConfigurationError(f"{where}: {setting}")
    if isinstance(error, ResponseParserError):
        return TransientError(f"{where}: {_NOT_S3}")
    if isinstance(error, _ON_THE_WAY):
        return TransientError(f"{where}: {error}")
    return PermanentError(f"{where}: {error}")


def _setting_behind(error: Exception) -> str | None:
    """Say what is wrong with which setting after an error within the SDK; None if it is not for a setting."""
    if isinstance(error, _NO_CREDENTIALS):
        return f"{error}; {_CREDENTIALS}"
    if isinstance(error, sdk.ParamValidationError) and "bucket name" in str(error):
        return f"no bucket can have this name; {_BUCKET}"
    if isinstance(error, sdk.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{error}; {_CERTIFICATE}"
    return None


def _answered(error: sdk.ClientError, where: str) -> NeuralMemoryError:
    """Say what an answer of the server means."""
    code, status = error.response.get("Error", {}).get("Code", ""), status_of(error)
    answer = f"{where}: {code} (status {status}), {error.response.get('Error', {}).get('Message', 'without a message')}"
    if code == "NoSuchKey":
        return NotFoundError(f"{where}: no such object")
    if status == 404 and code == "404":  # S3 says what is not there: this is another server, or something before it
        return TransientError(f"{where}: status 404, {_NOT_S3}")
    if code in _WRONG_SETTINGS:
        return ConfigurationError(f"{answer}; {_WRONG_SETTINGS[code]}")
    if code in _PASSING or status == 429 or (status >= 500 and status != 501):
        return TransientError(answer, retry_after_seconds=_retry_after_seconds(error))
    if status in {401, 403} and code != "InvalidObjectState":  # that one is an archived object
        return ConfigurationError(f"{answer}; {_CREDENTIALS}, {_ALLOW}")
    return PermanentError(answer)


def _retry_after_seconds(error: sdk.ClientError) -> float | None:
    metadata = cast("Mapping[str, Any]", error.response.get("ResponseMetadata", {}))
    value = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    return float(value) if value.isdecimal() else None  # a date is not worth the reading
