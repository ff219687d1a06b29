"""`PyJWT`: the functions of `boltguard.jwt` with preset options, with the interface of ``jwt.api_jwt``."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from json import JSONEncoder
from typing import Any, cast

from boltguard._rust import (
    jws_sign,
    jws_verify_complete,
    jwt_check_claims,
    jwt_check_options,
    jwt_decode,
    jwt_decode_complete,
    jwt_encode,
)
from boltguard.jwt.types import FullOptions
from boltguard.jwt.unused import refuse_unused_overrides

__all__ = ["PyJWT", "decode", "decode_complete", "encode"]

Options = Mapping[str, Any]


class PyJWT:
    """Encodes and decodes with these options unless a call overrides them.

    As in PyJWT, ``verify_signature=False`` here only skips the checks of claims; a call must pass it explicitly to read
    a token without verifying its signature. A subclass may override `_encode_payload` and `_decode_payload`, for
    example to compress payloads; the engine still checks the claims.
    """

    def __init__(self, options: Options | None = None) -> None:
        given = {} if options is None else dict(options)
        jwt_check_options(given)
        self._require_exp = ["exp"]
        defaults: dict[str, Any] = {**_DEFAULTS, "require": self._require_exp}
        if given.get("verify_signature") is False:
            defaults.update(dict.fromkeys(_CLAIM_SWITCHES, False))
        self._defaults, self._given = dict(defaults), frozenset(given)
        #: All options.
        self.options = cast(FullOptions, {**defaults, **given})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_unused_overrides(cls, PyJWT, _UNUSED)

    def encode(
        self,
        payload: Mapping[str, Any],
        key: Any,
        algorithm: str | None = None,
        headers: Mapping[str, Any] | None = None,
        json_encoder: type[JSONEncoder] | None = None,
        sort_headers: bool = True,
    ) -> str:
        """See `boltguard.jwt.encode`."""
        enforce = self.options["enforce_minimum_key_length"]
        if type(self)._encode_payload is PyJWT._encode_payload:
            return jwt_encode(
                payload, key, algorithm, headers, json_encoder, sort_headers, enforce_minimum_key_length=enforce
            )
        encoded = self._encode_payload(_with_numbers(payload), headers=headers, json_encoder=json_encoder)
        return jws_sign(
            encoded,
            key,
            algorithm,
            headers,
            json_encoder=json_encoder,
            sort_headers=sort_headers,
            enforce_minimum_key_length=enforce,
        )

    def decode(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Options | None = None,
        verify: bool | None = None,
        detached_payload: bytes | None = None,
        audience: str | Iterable[str] | None = None,
        subject: str | None = None,
        issuer: str | Iterable[str] | None = None,
        leeway: float | timedelta = 0,
        *,
        now: float | None = None,
    ) -> dict[str, Any]:
        """See `boltguard.jwt.decode`."""
        if type(self)._decode_payload is PyJWT._decode_payload:
            merged = self._merged(options)
            return jwt_decode(
                jwt, key, algorithms, merged, verify, detached_payload, audience, subject, issuer, leeway, now=now
            )
        decoded = self.decode_complete(
            jwt, key, algorithms, options, verify, detached_payload, audience, issuer, subject, leeway, now=now
        )
        return cast("dict[str, Any]", decoded["payload"])

    def decode_complete(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Options | None = None,
        verify: bool | None = None,
        detached_payload: bytes | None = None,
        audience: str | Iterable[str] | None = None,
        issuer: str | Iterable[str] | None = None,
        subject: str | None = None,
        leeway: float | timedelta = 0,
        *,
        now: float | None = None,
    ) -> dict[str, Any]:
        """See `boltguard.jwt.decode_complete`."""
        merged = self._merged(options)
        if type(self)._decode_payload is PyJWT._decode_payload:
            return jwt_decode_complete(
                jwt, key, algorithms, merged, verify, detached_payload, audience, issuer, subject, leeway, now=now
            )
        jwt_check_options(merged, verify=verify)
        signature_options = {name: merged[name] for name in _SIGNATURE_OPTIONS if name in merged}
        decoded = jws_verify_complete(jwt, key, algorithms, detached_payload, signature_options)
        payload = self._decode_payload(decoded)
        jwt_check_claims(
            payload,
            decoded["header"],
            options=merged,
            audience=audience,
            issuer=issuer,
            subject=subject,
            leeway=leeway,
            now=now,
        )
        return {**decoded, "payload": payload}

    def _encode_payload(
        self,
        payload: dict[str, Any],
        headers: Mapping[str, Any] | None = None,
        json_encoder: type[JSONEncoder] | None = None,
    ) -> bytes:
        """The bytes to be signed. Only called if a subclass overrides it."""
        return _payload_of(jwt_encode(payload, _ANY_KEY, "HS256", None, json_encoder))

    def _decode_payload(self, decoded: dict[str, Any]) -> dict[str, Any]:
        """The claims of a payload whose signature was verified. Only called if a subclass overrides it."""
        token = jws_sign(decoded["payload"], _ANY_KEY, "HS256")
        return jwt_decode(token, options={"verify_signature": False})

    def _merged(self, options: Options | None) -> dict[str, Any]:
        """The options that differ from the engine's defaults: those of this object, then those of the call."""
        own: dict[str, Any] = dict(self.options)
        named = {name: value for name, value in own.items() if name in self._given or value != self._defaults.get(name)}
        call = dict(options or {})
        if named.pop("verify_signature", True) is False:
            named = {**dict.fromkeys(_CLAIM_SWITCHES, False), **named}
        if call.get("verify_signature") is False:
            # As in PyJWT, only the checks that the call passes explicitly are then made.
            named = {name: value for name, value in named.items() if name not in _CLAIM_SWITCHES}
        return {**named, **call}


def _with_numbers(payload: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(payload, Mapping):
        raise TypeError("the payload must be a dict, because a JWT contains a JSON object")
    dates = {name: payload[name] for name in ("exp", "iat", "nbf") if isinstance(payload.get(name), datetime)}
    return {**payload, **{name: timegm(date.utctimetuple()) for name, date in dates.items()}}


def _payload_of(token: str) -> bytes:
    payload: bytes = jws_verify_complete(token, options={"verify_signature": False})["payload"]
    return payload


_CLAIM_SWITCHES = ("verify_aud", "verify_exp", "verify_iat", "verify_iss", "verify_jti", "verify_nbf", "verify_sub")
_SIGNATURE_OPTIONS = ("verify_signature", "enforce_minimum_key_length")
_DEFAULTS: dict[str, Any] = {
    "verify_signature": True,
    **dict.fromkeys(_CLAIM_SWITCHES, True),
    "strict_aud": False,
    "enforce_minimum_key_length": False,
}
#: Signs tokens that are read immediately and never verified.
_ANY_KEY = bytes(range(32))
_UNUSED = frozenset(
    [
        "_merge_options",
        "_validate_aud",
        "_validate_claims",
        "_validate_exp",
        "_validate_iat",
        "_validate_iss",
        "_validate_jti",
        "_validate_nbf",
        "_validate_required_claims",
        "_validate_sub",
    ]
)
encode, decode, decode_complete = jwt_encode, jwt_decode, jwt_decode_complete
