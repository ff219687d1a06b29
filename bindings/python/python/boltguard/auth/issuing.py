"""`AccessTokenIssuer`: issues access tokens that a `JWTAuthentication` of this site accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any

from boltguard import _rust, conf
from boltguard.auth.arguments import refuse
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.signing_keys import SigningKeys
from boltguard.auth.tokens import claims_of, subject_of
from boltguard.exceptions import PyJWTError
from boltguard.messages import kind_of, shown_algorithm

ExtraClaims = Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None


class AccessTokenIssuer:
    """Issues access tokens that a backend accepts, signed with `signing_key`, its `SigningKeys` or its first secret.

    `owner` is the name of the class that uses it, for errors, and `lifetime` the longest one of a token in seconds. An
    invalid configuration raises `ImproperlyConfigured`.
    """

    def __init__(
        self, owner: str, backend: Any, lifetime: float, claims: ExtraClaims = None, signing_key: Any = None
    ) -> None:
        signing_key = SecretBox(signing_key)
        if not isinstance(backend, JWTAuthentication):
            kind = "a class instead of an instance" if isinstance(backend, type) else kind_of(backend)
            refuse(f"{owner}: jwt_auth is {kind}. It must be the JWTAuthentication that accepts the access tokens.")
        if backend.lookup is not None:
            refuse(
                f"{owner}: the subject of the access tokens is the primary key of the account. Use a "
                "JWTAuthentication without user_field and get_user."
            )
        self.backend: JWTAuthentication = backend
        self._owner = owner
        self._claims = self._checked(claims)
        self._lifetime = lifetime
        self._signing_key = signing_key
        self._signing_keys = self._scheduled()
        self._built: tuple[conf.Conf, _rust.Minter] | None = None
        self._refuse_unaccepted()

    def minter(self, issued: float | None = None) -> _rust.Minter:
        """Signs tokens that are issued at this time: with the key of `SigningKeys` for it, or the first key that can.

        A token that is issued again is therefore the same, also if another key signs now.
        """
        if self._signing_keys is not None:
            return self._minter_at(self._signing_keys, issued)
        current = conf.current()
        if self._built is None or self._built[0] is not current:
            self._built = (current, self._minter())
        return self._built[1]

    def claims(self, user: Any, session_id: str) -> dict[str, Any]:
        """The claims of an access token, without `sub`, `iat`, `exp` and `jti`."""
        extra = self._claims(user) if callable(self._claims) else self._claims
        return {**self._own(subject_of(user), session_id), **claims_of(user, *self._addressed(), self._allowed(extra))}

    def _own(self, subject: str, session_id: str) -> dict[str, Any]:
        name = self.backend.setting("user_id_claim")
        return {"sid": session_id, **({} if name == "sub" else {name: subject})}

    def _addressed(self) -> tuple[str | None, str | None]:
        """The issuer and the audience."""
        first = [next(iter(self.backend.setting(name) or ()), None) for name in ("issuer", "audience")]
        return first[0], first[1]

    def _allowed(self, extra: Any) -> Mapping[str, Any]:
        if not isinstance(extra, Mapping):
            raise ValueError(f"{self._owner}: claims returned a value {kind_of(extra)}. It must return a dict.")
        if replaced := [name for name in self._own("", "") if name in extra]:
            raise ValueError(f"{self._owner}: claims can't replace {', '.join(replaced)}.")
        return extra

    def _checked(self, claims: ExtraClaims) -> Mapping[str, Any] | Callable[[Any], Mapping[str, Any]]:
        if iscoroutinefunction(claims):
            refuse(f"{self._owner}: claims is an async function. It must be sync; async code calls it in a thread.")
        if claims is None or isinstance(claims, Mapping):
            return dict(claims or {})
        if not callable(claims):
            refuse(f"{self._owner}: claims is {kind_of(claims)}. It must be a dict, or a function of the user.")
        return claims

    def _scheduled(self) -> _rust.SigningKeys | None:
        """The `SigningKeys`, if they sign."""
        own = [key for key in self.backend.signing_keys().value if isinstance(key, SigningKeys)]
        if isinstance(self._signing_key.value, SigningKeys):
            if self._signing_key.value not in own:
                refuse(
                    f"{self._owner}: signing_key is SigningKeys, but the JWTAuthentication has other keys and would "
                    "refuse tokens after a rotation. Use JWTAuthentication(signing_keys, algorithms=[...])."
                )
            own = [self._signing_key.value]
        elif self._signing_key.value is not None or not own:
            return None
        found = own[0]
        if self._lifetime > found.access_lifetime:
            refuse(
                f"{self._owner}: access_lifetime is longer than that of SigningKeys, which is "
                f"{found.access_lifetime:g} seconds. Reduce it, or pass a longer one to SigningKeys."
            )
        return found.with_typ(TYP)

    def _minter_at(self, keys: _rust.SigningKeys, issued: float | None) -> _rust.Minter:
        if issued is not None:
            # The key may have been removed since then, because it was stolen.
            with suppress(ValueError):
                return keys.minter(self._lifetime, issued)
        return keys.minter(self._lifetime)

    def _minter(self) -> _rust.Minter:
        is_given = self._signing_key.value is not None
        keys = [self._signing_key] if is_given else [SecretBox(key) for key in self.backend.signing_keys().value]
        for algorithm in self.backend.algorithms:
            for key in keys:
                with suppress(PyJWTError, TypeError, ValueError):
                    return _rust.Minter(key.value, algorithm, typ=TYP)
        names = ", ".join(map(shown_algorithm, self.backend.algorithms))
        if is_given:
            refuse(f"{self._owner}: signing_key can't sign with {names}. Pass a private key for one of them.")
        refuse(
            f"{self._owner}: the keys of the JWTAuthentication can't sign with {names}. Pass the private key that "
            "belongs to one of them as signing_key=."
        )

    def _refuse_unaccepted(self) -> None:
        """Refuses a backend that wouldn't accept the tokens, as far as it is known without a user."""
        token = SecretBox(self.minter().mint("1", 3600, self._sample()))
        meta = self.backend.meta_with(token.value)
        outcome = _rust.Gate([self.backend.rust], _rust.Guard.allow_any()).check(meta)
        del meta
        if not isinstance(outcome, _rust.AuthContext) or outcome.is_authenticated:
            return
        code = str(outcome.get("auth_error"))
        if code.startswith("claim_") and callable(self._claims):
            return
        refuse(
            f"{self._owner}: the JWTAuthentication doesn't accept the access tokens of the sessions ({code}). Their "
            "typ is at+jwt. Add claims that it requires with claims={...}, and pass the private key that belongs to "
            "one of its keys as signing_key=."
        )

    def _sample(self) -> dict[str, Any]:
        issuer, audience = self._addressed()
        named = {name: value for name, value in (("iss", issuer), ("aud", audience)) if value is not None}
        extra = {} if callable(self._claims) else self._claims
        try:
            return {**self._own("1", "0" * 12), **named, **self._allowed(extra)}
        except ValueError as error:
            refuse(str(error))


# RFC 9068 §2.1.
TYP = "at+jwt"
