"""What Boltguard raises.

The classes of tokens and keys have PyJWT's names and stand in PyJWT's tree, so that ``except`` clauses
written for it go on working. Each of them carries ``code``, the cause in one word, which never changes
and is the same in logs, in ``request.context["auth_error"]`` and here.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

try:
    from django.core.exceptions import PermissionDenied
except ModuleNotFoundError:  # `boltguard.jwt` needs no Django

    class PermissionDenied(Exception):  # type: ignore[no-redef]
        """Django's, which answers 403 to it."""


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
    "RevocationStoreFull",
    "RevocationUnavailable",
    "Unauthorized",
    "UnsupportedAlgorithmError",
]


# Tokens and keys, in PyJWT's tree.


class PyJWTError(Exception):
    """Whatever is wrong with a token or a key."""

    code: str = "token_malformed"


class InvalidTokenError(PyJWTError):
    """The token is refused."""


class DecodeError(InvalidTokenError):
    """The token can't be read."""


class InvalidSignatureError(DecodeError):
    """No trusted key vouches for the token."""

    code = "signature_invalid"


class ExpiredSignatureError(InvalidTokenError):
    """The token's ``exp`` is in the past."""

    code = "token_expired"


class ImmatureSignatureError(InvalidTokenError):
    """The token's ``nbf`` is in the future."""

    code = "token_not_yet_valid"


class InvalidAudienceError(InvalidTokenError):
    """The token's ``aud`` does not name this service, or names one where none is expected."""

    code = "audience_mismatch"


class InvalidIssuerError(InvalidTokenError):
    """The token's ``iss`` is none of the expected issuers."""

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
    """There is no such algorithm. PyJWT raises `NotImplementedError` for it when signing."""


class MissingRequiredClaimError(InvalidTokenError):
    """The token lacks a claim that is required; ``claim`` is its name."""

    code = "claim_missing"

    def __init__(self, claim: str) -> None:
        super().__init__(claim)
        self.claim = claim

    def __str__(self) -> str:
        return f'Token is missing the "{self.claim}" claim'


class InvalidKeyError(PyJWTError):
    """The key can't be read, or can't serve the algorithm."""

    code = "key_invalid"


class InsecureKeyLengthWarning(UserWarning):
    """An HMAC secret is shorter than the hash of its algorithm."""


class PyJWKError(PyJWTError):
    """No algorithm fits the JWK."""

    code = "key_invalid"


class MissingCryptographyError(PyJWKError):
    """Never raised: all algorithms are built in. PyJWT's users may name it."""


class PyJWKSetError(PyJWTError):
    """The JWK Set holds no key that can be used."""

    code = "key_invalid"


class PyJWKClientError(PyJWTError):
    """The JWK Set at the address holds no key for the token."""

    code = "key_not_found"


class PyJWKClientConnectionError(PyJWKClientError):
    """The JWK Set can't be fetched."""

    code = "issuer_keys_unavailable"


# Answers that a view raises.


class HTTPException(Exception):
    """Raised in a view, becomes the answer: this status, ``detail`` in the body, and these headers."""

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
    """401: the caller isn't authenticated. Where nothing of Boltguard answers it, Django does, with a 403."""

    def __init__(self, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, detail, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers)


class Forbidden(HTTPException, PermissionDenied):
    """403: the caller isn't allowed to. Where nothing of Boltguard answers it, Django does."""

    def __init__(self, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(HTTPStatus.FORBIDDEN, detail, headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.detail, self.headers)


def _phrase(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "Error"


# Configuration, guards and stores.


class ConfigurationError(ValueError):
    """A setting can't be used; the message names it and says what to do."""


class GuardTooLarge(ValueError):
    """The guards ask about more things than an exact comparison of them can cover."""


class RevocationError(Exception):
    """A revocation store failed."""

    code: str = "revocation_unavailable"


class RevocationStoreFull(RevocationError):
    """The store holds as many entries as it may; nothing was evicted and nothing was revoked."""


class RevocationUnavailable(RevocationError):
    """The store gave no answer."""
