"""`PyJWT`: the functions of `boltguard.jwt` with options of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from json import JSONEncoder
from typing import Any

from boltguard._rust import jwt_decode, jwt_decode_complete, jwt_encode


class PyJWT:
    """Decodes with these options unless a call says otherwise."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.options: dict[str, Any] = dict(options or {})

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
        return jwt_encode(payload, key, algorithm, headers, json_encoder, sort_headers)

    def decode(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Mapping[str, Any] | None = None,
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
        return jwt_decode(
            jwt,
            key,
            algorithms,
            self._with(options),
            verify,
            detached_payload,
            audience,
            subject,
            issuer,
            leeway,
            now=now,
        )

    def decode_complete(
        self,
        jwt: str | bytes,
        key: Any = None,
        algorithms: Iterable[str] | None = None,
        options: Mapping[str, Any] | None = None,
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
        return jwt_decode_complete(
            jwt,
            key,
            algorithms,
            self._with(options),
            verify,
            detached_payload,
            audience,
            issuer,
            subject,
            leeway,
            now=now,
        )

    def _with(self, options: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**self.options, **(options or {})}
