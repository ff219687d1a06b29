"""`SigningKeys`: the asymmetric keys that sign this site's tokens, and their rotation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from boltguard import _rust
from boltguard.auth.arguments import refuse
from boltguard.auth.secret_box import SecretBox
from boltguard.exceptions import ConfigurationError, PyJWTError
from boltguard.messages import kind_of


class SigningKey:
    """A private key of `SigningKeys`, and the times from which it is used.

    - `key`: a private key as PEM, a JWK or a `boltguard.jwt.Key`. HMAC secrets can't be published.
    - `algorithm`: the algorithm, such as `"ES256"`. Optional for keys that have only one.
    - `signs_from`: when it starts to sign, an aware `datetime`.
    - `published_from`: when it is first published, an aware `datetime`. Required, except for the first key. Choose a
      time at which the new configuration is deployed on all servers.
    - `kid`: its ID. The default is that of the key or, if it has none, its thumbprint (RFC 7638).
    """

    def __init__(
        self,
        key: Any,
        algorithm: str | None = None,
        *,
        signs_from: datetime,
        published_from: datetime | None = None,
        kid: str | None = None,
    ) -> None:
        box = SecretBox(key)
        del key
        self._entry = SecretBox(
            (
                box.value,
                _algorithm(box, algorithm),
                _kid(kid),
                _seconds("signs_from", signs_from),
                None if published_from is None else _seconds("published_from", published_from),
            )
        )

    def __repr__(self) -> str:
        return f"<SigningKey: {self._entry.value[1]}>"


class SigningKeys:
    """The asymmetric keys that sign this site's tokens, in the order in which they sign.

    Pass it as `secret=` to `create_jwt_for_user`, which signs with the key of the time, and to `JWTAuthentication`,
    which verifies with all published keys; `boltguard.oauth.jwks_view` publishes them. `TokenSessions` signs with the
    `SigningKeys` of its backend.

    - `access_lifetime`: the longest lifetime of a token, in seconds or as a `timedelta`. A key stays published after
      the next one signs for this time, `leeway` and a minute for the difference of clocks.
    - `max_age`: how long verifiers may cache the published keys. A new key is published for this time before it signs.
    - `leeway`: the largest leeway of a verifier.
    - `typ`: the `typ` in the header of tokens, such as `"at+jwt"`.

    Raises `ImproperlyConfigured` if a key signs before all verifiers know it, and for other invalid arguments.
    """

    def __init__(
        self,
        keys: Iterable[SigningKey],
        *,
        access_lifetime: float | timedelta,
        max_age: float | timedelta = 3600,
        leeway: float | timedelta = 0,
        typ: str = "JWT",
    ) -> None:
        entries = SecretBox([_entry(key) for key in _listed(keys)])
        self.max_age = _duration("max_age", max_age)
        self.leeway = _duration("leeway", leeway)
        self.access_lifetime = _duration("access_lifetime", access_lifetime)
        if not self.access_lifetime:
            refuse("SigningKeys: access_lifetime must be positive.")
        self._entries = entries
        self.rust = self.with_typ(typ)
        if not {"signing"} & set(self.rust.states()):
            refuse("SigningKeys: signs_from of the first key is in the future, so no key signs yet.")

    def with_typ(self, typ: str) -> _rust.SigningKeys:
        """The same keys, for tokens whose header has this `typ`."""
        try:
            return _rust.SigningKeys(
                self._entries.value,
                access_lifetime=self.access_lifetime,
                max_age=self.max_age,
                leeway=self.leeway,
                typ=typ,
            )
        except (ConfigurationError, PyJWTError, TypeError) as error:
            refuse(f"SigningKeys: {error}.")

    def signing_key(self) -> tuple[SecretBox[Any], str]:
        """The private key that signs now, and its `kid`."""
        position = self.rust.states().index("signing")
        return SecretBox(self._entries.value[position][0]), self.rust.key_ids[position]

    def states(self, now: datetime | None = None) -> dict[str, str]:
        """The state of each key by its `kid`: `"pending"`, `"next"`, `"signing"`, `"retiring"` or `"retired"`."""
        seconds = None if now is None else _seconds("now", now)
        return dict(zip(self.rust.key_ids, self.rust.states(seconds), strict=True))

    def published_until(self) -> dict[str, datetime | None]:
        """When each key isn't published any more, by its `kid`; `None` if no key follows it."""
        dates = [None if at is None else datetime.fromtimestamp(at, timezone.utc) for at in self.rust.published_until]
        return dict(zip(self.rust.key_ids, dates, strict=True))

    def __repr__(self) -> str:
        return repr(self.rust)


def in_rust(key: Any) -> Any:
    """The keys in Rust of `SigningKeys`; any other key itself."""
    return key.rust if isinstance(key, SigningKeys) else key


def check_verifier(keys: Iterable[Any], algorithms: list[str], leeway: float) -> None:
    """`ImproperlyConfigured` if a backend couldn't verify all tokens of `SigningKeys` for as long as it should."""
    for signing in (key for key in keys if isinstance(key, SigningKeys)):
        missing = [name for name in dict.fromkeys(signing.rust.algorithms) if name not in algorithms]
        if missing:
            refuse(f"JWTAuthentication: algorithms must contain {', '.join(missing)}, with which SigningKeys signs.")
        if leeway > signing.leeway:
            refuse(f"JWTAuthentication: leeway is longer than that of SigningKeys. Use SigningKeys(leeway={leeway:g}).")


def _listed(keys: Any) -> list[Any]:
    if isinstance(keys, (SigningKey, str, bytes)) or not isinstance(keys, Iterable):
        refuse(f"SigningKeys: keys is {kind_of(keys)}. It must be a list of SigningKey objects.")
    return list(keys)


def _entry(key: Any) -> Any:
    if not isinstance(key, SigningKey):
        refuse(f"SigningKeys: keys contains a value that is {kind_of(key)}. Use SigningKey(key, signs_from=...).")
    return key._entry.value


def _algorithm(key: SecretBox[Any], algorithm: str | None) -> str:
    if algorithm is not None:
        if not isinstance(algorithm, str) or algorithm not in _rust.ALGORITHMS:
            refuse(f"SigningKey: algorithm is {kind_of(algorithm)}. It must be a name, such as 'ES256'.")
        return algorithm
    try:
        names = _rust.Key.read(key.value).algorithms
    except (PyJWTError, TypeError) as error:
        refuse(f"SigningKey: {error}.")
    if len(names) != 1:
        refuse("SigningKey: the key can be used with several algorithms. Pass one of them, such as algorithm='RS256'.")
    return names[0]


def _kid(kid: Any) -> str | None:
    if kid is not None and (not isinstance(kid, str) or not kid):
        refuse(f"SigningKey: kid is {kind_of(kid)}. It must be a string.")
    return kid


def _seconds(name: str, value: Any) -> float:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        refuse(f"SigningKey: {name} is {kind_of(value)}. It must be an aware datetime.")
    return value.timestamp()


def _duration(name: str, value: Any) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 2**32:
        refuse(f"SigningKeys: {name} is {kind_of(value)}. It must be a number of seconds or a timedelta, not negative.")
    return float(seconds)
