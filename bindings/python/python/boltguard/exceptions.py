"""The exceptions of Boltguard.

The classes of tokens and keys have PyJWT's names and hierarchy, so that ``except`` clauses
written for it continue to work. Each of them has a ``code``, a stable identifier of the cause, which is the same
in logs and in ``request.context["auth_error"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

try:
    from django.core.exceptions import PermissionDenied
except ModuleNotFoundError:  # `boltguard.jwt` doesn't require Django

    class PermissionDenied(Exception):  # type: ignore[no-redef]
        """Django's class, for which it returns 403."""


__all__ = [
    "ConfigurationError",
    "DecodeError",
    "ExpiredSignatureError",
    "Forbidden",
    "GuardTooLarge",
    "HTTPException",
    "ImmatureSignatureError",
    "InsecureKeyLengthWarning",
    "InvalidAlgorithmError",
    "InvalidAudienceError",
    "InvalidIssuedAtError",
    "InvalidIssuerError",
    "InvalidJTIError",
    "InvalidKeyError",
    "InvalidRefreshToken",
    "InvalidSignatureError",
    "InvalidSubjectError",
    "InvalidTokenError",
    "MissingCryptographyError",
    "MissingRequiredClaimError",
    "PyJWKClientConnectionError",
    "PyJWKClientError",
    "PyJWKError",
    "PyJWKSetError",
    "PyJWTError",
    "RevocationError",
    "RevocationNotAnnounced",
    "RevocationStoreFull",
    "RevocationUnavailable",
    "SessionsUnavailable",
    "Unauthorized",
    "UnsupportedAlgorithmError",
]


# Tokens and keys, in PyJWT's hierarchy.


class PyJWTError(Exception):
    """The base class of errors of tokens and keys."""

    code: str = "token_malformed"


class InvalidTokenError(PyJWTError):
    """The token is refused."""


class DecodeError(InvalidTokenError):
    """The token can't be read."""


class InvalidSignatureError(DecodeError):
    """The token isn't signed by a trusted key."""

    code = "signature_invalid"


class ExpiredSignatureError(InvalidTokenError):
    """The token's ``exp`` is in the past."""

    code = "token_expired"


class ImmatureSignatureError(InvalidTokenError):
    """The token's ``nbf`` is in the future."""

    code = "token_not_yet_valid"


class InvalidAudienceError(InvalidTokenError):
    """The token's ``aud`` doesn't contain this service, or the token has an ``aud`` although none is expected."""

    code = "audience_mismatch"


class InvalidIssuerError(InvalidTokenError):
    """The token's ``iss`` isn't one of the expected issuers."""

    code = "issuer_mismatch"


class InvalidIssuedAtError(InvalidTokenError):
    """The token's ``iat`` is not a number."""

    code = "claims_malformed"


class InvalidSubjectError(InvalidTokenError):
    """The token's ``sub`` is not a string, or not the expected one."""

    code = "claims_malformed"


class InvalidJTIError(InvalidTokenError):
    """The token's ``jti`` is not a string."""

    code = "claims_malformed"


class InvalidAlgorithmError(InvalidTokenError):
    """The algorithm is unknown, or not one of those allowed."""

    code = "algorithm_not_allowed"


class UnsupportedAlgorithmError(InvalidAlgorithmError, NotImplementedError):
    """The algorithm doesn't exist. PyJWT raises `NotImplementedError` for it when signing."""


class MissingRequiredClaimError(InvalidTokenError):
    """The token doesn't have a required claim; ``claim`` is its name."""

    code = "claim_missing"

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim

    def __str__(self) -> str:
        return f'Token is missing the "{self.claim}" claim'


class InvalidKeyError(PyJWTError):
    """The key can't be read, or can't be used with the algorithm."""

    code = "key_invalid"


class InsecureKeyLengthWarning(UserWarning):
    """An HMAC secret is shorter than the hash of its algorithm."""


class PyJWKError(PyJWTError):
    """The JWK can't be used with any algorithm."""

    code = "key_invalid"


class MissingCryptographyError(PyJWKError):
    """Never raised, because all algorithms are built in. Provided for code that names it."""


class PyJWKSetError(PyJWTError):
    """The JWK Set has no usable key."""

    code = "key_invalid"


class PyJWKClientError(PyJWTError):
    """The JWK Set at the URL has no key for the token."""

    code = "key_not_found"


class PyJWKClientConnectionError(PyJWKClientError):
    """The JWK Set can't be fetched."""

    code = "issuer_keys_unavailable"


# Responses that a view raises.


class HTTPException(Exception):
    """An error response that a view raises: a status, ``detail`` in the body, and headers."""

    def __init__(
        self,
        status_code: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        detail: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = int(status_code)
        self.detail = _phrase(self.status_code) if detail is None else detail
        self.headers = dict(headers or {})
        super().__init__(self.status_code, self.detail, self.headers)

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"


class Unauthorized(HTTPException, PermissionDenied):
    """401: the caller isn't authenticated. Without Boltguard, Django's response is a 403."""

    def __init__(self, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, detail, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers)


class Forbidden(HTTPException, PermissionDenied):
    """403: the caller doesn't have permission."""

    def __init__(self, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, detail, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers)


class InvalidRefreshToken(Unauthorized):
    """401: the refresh token is refused; ``code`` is the reason.

    It is ``refresh_token_invalid``, ``refresh_token_expired``, ``refresh_token_reused`` or ``session_ended``.
    """

    def __init__(
        self,
        detail: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        code: str = "refresh_token_invalid",
    ) -> None:
        super().__init__(detail, headers)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers), {"code": self.code}


class SessionsUnavailable(HTTPException):
    """503: the session couldn't be changed, although it was read before."""

    code: str = "sessions_unavailable"

    def __init__(self, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers)


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Error"


# Configuration, guards and stores.


class ConfigurationError(ValueError):
    """A setting is invalid; the message names it and the remedy."""


class GuardTooLarge(ValueError):
    """The guards are too large for an exact comparison."""


class RevocationError(Exception):
    """A revocation store failed."""

    code: str = "revocation_unavailable"


class RevocationStoreFull(RevocationError):
    """The store is full, so the token wasn't revoked. No entry was evicted."""


class RevocationUnavailable(RevocationError):
    """The store is unavailable."""


class RevocationNotAnnounced(RevocationUnavailable):
    """The revocation is stored, but the other processes couldn't be told, so it takes effect there later."""
