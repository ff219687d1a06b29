"""The engine's interface for Python."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from json import JSONEncoder
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, final

__all__ = [
    "ALGORITHMS",
    "MAX_HEADERS",
    "ApiKeyBackend",
    "ApiKeyFormat",
    "ApiKeyRefresh",
    "ApiKeySnapshotRefresh",
    "ApiKeyStore",
    "ApiKeyUse",
    "AuthContext",
    "EdgeAuthentication",
    "EdgeBackend",
    "Explanation",
    "FetchPermit",
    "Gate",
    "GeneratedApiKey",
    "Guard",
    "GuardChecks",
    "Identity",
    "JwtBackend",
    "Key",
    "KeyRefresh",
    "KeySet",
    "MemoryRevocation",
    "Minter",
    "OriginPolicy",
    "PresentedRefreshToken",
    "Refusal",
    "RemoteKeys",
    "RevocationCheck",
    "RevocationEntry",
    "RevocationLevel",
    "RevocationQuery",
    "RevocationReplica",
    "RevocationSentinel",
    "RevocationSynchronizer",
    "SYMMETRIC_ALGORITHMS",
    "SessionDecision",
    "SessionEngine",
    "SessionState",
    "SigningKeys",
    "StoredApiKey",
    "StreamQuery",
    "StreamResponse",
    "TruthRead",
    "__version__",
    "find_cookie",
    "jws_check_options",
    "jws_sign",
    "jws_verify",
    "jws_verify_complete",
    "jwt_check_claims",
    "jwt_check_options",
    "jwt_decode",
    "jwt_decode_complete",
    "jwt_encode",
    "parse_fingerprint",
    "read_certificate",
    "set_test_clock",
    "time_ns",
    "unverified_header",
]

__version__: Final[str]
ALGORITHMS: Final[tuple[str, ...]]
MAX_HEADERS: Final[int]
# The algorithms that use secrets, with the minimum length of a secret in bytes.
SYMMETRIC_ALGORITHMS: Final[MappingProxyType[str, int]]
"""The names of all algorithms."""

_Seconds: TypeAlias = float | timedelta
_Need: TypeAlias = ApiKeySnapshotRefresh | EdgeAuthentication | KeyRefresh | RevocationCheck
_Step: TypeAlias = AuthContext | Refusal | _Need | GuardChecks

# --- the clock ---------------------------------------------------------------------------------------------------

def time_ns() -> int:
    """The current time, in nanoseconds since the epoch."""

def set_test_clock(*, shift: int, follow_python: bool) -> None:
    """Moves the clock of this process, for `boltguard.testing`.

    It is `shift` nanoseconds ahead of that of Python's `time` module or of the system.
    """

# --- keys --------------------------------------------------------------------------------------------------------

@final
class Key:
    """An HMAC secret, a public key or a private key. Its `repr` doesn't show the key material.

    The first use with an algorithm prepares the key for it. Raises `InvalidKeyError` for a key that can't be read, or
    can't be used with the algorithm.
    """

    @staticmethod
    def from_secret(secret: bytes | str, *, kid: str | None = None) -> Key:
        """Creates an HMAC secret from bytes, or from a string, which is encoded as UTF-8."""

    @staticmethod
    def from_base64url(text: str, *, kid: str | None = None) -> Key:
        """Creates an HMAC secret from base64url without padding."""

    @staticmethod
    def from_pem(pem: str | bytes, *, kid: str | None = None) -> Key:
        """Reads a public key, a certificate or a private key in PEM.

        Line breaks may be missing or escaped, as in environment variables. DER, base64 of PEM or DER, and OpenSSH
        public keys are accepted too.
        """

    @staticmethod
    def from_der(der: bytes, *, kid: str | None = None) -> Key:
        """Reads a public key, a certificate or a private key in DER."""

    @staticmethod
    def from_jwk(jwk: str | Mapping[str, Any]) -> Key:
        """Reads a JSON Web Key, given as a mapping or a JSON string. Its `alg`, `use` and `key_ops` are respected."""

    @staticmethod
    def read(key: Any, algorithm: str | None = None) -> Key:
        """Reads a key in any form that `boltguard.jwt.decode` accepts: PEM, a JWK, an object of the package
        `cryptography`, and a secret if the algorithm is an HMAC algorithm.
        """

    @staticmethod
    def generate(algorithm: str, *, kid: str | None = None) -> Key:
        """Generates a random key for an algorithm: a secret or a private key. RSA isn't supported."""

    @property
    def kid(self) -> str | None:
        """The key ID, which is matched with the `kid` of tokens."""

    @property
    def kind(self) -> str:
        """`"secret"`, `"public"` or `"private"`."""

    @property
    def algorithms(self) -> list[str]:
        """The algorithms that the key can be used with. The `alg`, `use` and `key_ops` of its JWK are respected."""

    def public_key(self) -> Key:
        """The public key of a private key. For a public key, the key itself."""

    def thumbprint(self) -> str:
        """The JWK thumbprint of RFC 7638, in base64url."""

    def to_jwk(self) -> dict[str, Any]:
        """The JSON Web Key of the public key, which may be published."""

    def to_pem(self) -> str:
        """The key in PEM: SPKI for a public key, PKCS#8 for a private key."""

    def is_weak_for(self, algorithm: str) -> bool:
        """Whether this is a secret that is shorter than the hash of the algorithm."""

    def sign(self, algorithm: str, message: bytes) -> bytes:
        """Signs `message` and returns the signature."""

    def verify(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is a valid signature of `message`."""

@final
class KeySet:
    """Several keys, of which the `kid` of a token selects one. They can be replaced while the server is running."""

    def __new__(cls, keys: Iterable[Key]) -> KeySet:
        """Creates a set of public keys and secrets."""

    @staticmethod
    def from_jwks(jwks: str | Mapping[str, Any], *, log_skipped: bool = True) -> KeySet:
        """Reads a JWK Set, given as a mapping or a JSON string.

        Keys that can't be used are skipped and listed in `skipped`. Unless `log_skipped` is `False`, a warning is
        logged for each of them.
        """

    @property
    def skipped(self) -> list[str]:
        """The skipped keys of the JWK Set, each with its index, its `kid` and the reason."""

    def replace(self, other: KeySet) -> None:
        """Replaces the keys by those of `other`. This takes effect immediately, wherever the set is used."""

    def to_jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set, which may be published. Secrets are omitted."""

@final
class SigningKeys:
    """The signing keys of an issuer, of which the time decides which one signs and which ones are published.

    Raises `ConfigurationError` for invalid settings, and `InvalidKeyError` for a key that can't sign.
    """

    def __new__(
        cls,
        keys: Sequence[tuple[Any, str, str | None, _Seconds, _Seconds | None]],
        *,
        access_lifetime: _Seconds,
        max_age: _Seconds,
        leeway: _Seconds,
        typ: str = "JWT",
    ) -> SigningKeys:
        """Creates it from keys in the order in which they sign, each with its algorithm, its `kid`, and the times from
        which it signs and is published.
        """

    @property
    def key_ids(self) -> list[str]:
        """The `kid` of each key."""

    @property
    def algorithms(self) -> list[str]:
        """The algorithm of each key."""

    @property
    def published_until(self) -> list[float | None]:
        """When each key isn't published any more, in seconds since the epoch; `None` if no key follows it."""

    def states(self, now: _Seconds | None = None) -> list[Literal["pending", "next", "signing", "retiring", "retired"]]:
        """The state of each key."""

    def to_jwks(self, now: _Seconds | None = None) -> bytes:
        """The published keys as a JWK Set, in JSON."""

    def minter(self, expires_in: _Seconds, now: _Seconds | None = None) -> Minter:
        """The minter of the key that signs, for tokens that expire in `expires_in` seconds.

        Raises `ValueError` if they expire later than `access_lifetime` allows, or if no key signs yet.
        """

@final
class RemoteKeys:
    """The keys of another issuer, which are fetched from its JWKS URL.

    With `metadata`, `"openid-configuration"` or `"oauth-authorization-server"`, `url` is the issuer, and the URL of the
    keys is read from its metadata. `begin_fetch` returns a permit if the caller is to fetch the keys. Raises
    `ConfigurationError` for invalid settings.
    """

    def __new__(
        cls,
        url: str,
        *,
        metadata: str | None = None,
        allow_http: bool = False,
        ttl: _Seconds,
        cooldown: _Seconds,
        stale: _Seconds,
        lock_timeout: _Seconds,
        max_bytes: int,
    ) -> RemoteKeys: ...
    @property
    def url(self) -> str:
        """The URL of the JWK Set, or the issuer if it is read from metadata."""

    @property
    def issuer(self) -> str | None:
        """The issuer, if the URL of its JWK Set is read from its metadata."""

    @property
    def shown_url(self) -> str:
        """The URL without its query, for display."""

    @property
    def max_bytes(self) -> int:
        """The maximum size of a response."""

    @property
    def keys(self) -> KeySet:
        """The current keys. Empty before the first fetch and after the keys have expired."""

    @property
    def is_usable(self) -> bool:
        """Whether the current keys may be used, fresh or stale."""

    def may_verify_with_missing_key(self, token: str) -> bool:
        """Whether a key that isn't among the current ones may verify the token.

        That is the case if none of them has its `kid` or, if it has no `kid`, none verifies it.

        Raises `DecodeError` if the token is malformed.
        """

    def reset_after_fork(self) -> None:
        """Resets locks and fetches after a fork, because the threads that hold them don't exist in the child."""

    def begin_fetch(self, *, unknown_kid: bool = False, force: bool = False) -> FetchPermit | None:
        """Returns a permit if the caller is to fetch the keys, or `None` if the current keys are to be used.

        If there are none, waits for another thread's fetch. Pass `unknown_kid=True` for a token whose key is unknown,
        and `force=True` to fetch the keys in any case. Raises `PyJWKClientConnectionError` if there are no keys and the
        next fetch isn't allowed yet.
        """

@final
class FetchPermit:
    """Permission to fetch the keys once. If it is dropped, the fetch has failed.

    Request `url` and pass the response, until `url` is `None`: there are two requests if the URL of the keys is read
    from metadata.
    """

    @property
    def url(self) -> str | None:
        """The URL to request, or `None` after the last response."""

    def succeed(self, status: int, body: bytes, cache_control: str | None = None) -> str | None:
        """Passes a response. The keys in the last one replace the current ones.

        If it can't be used, returns the reason.
        """

    def fail(self, why: str) -> str | None:
        """Reports a failure: "connection", "encoded", "timeout" or "too_large". Returns a description of it."""

    @property
    def has_unusable_metadata(self) -> bool:
        """Whether the server has responded with metadata that can't be used, such as that of another issuer."""

    @property
    def skipped(self) -> list[str]:
        """The skipped keys of the response, each with its index, its `kid` and the reason."""

# --- tokens ------------------------------------------------------------------------------------------------------
# A key is a `Key`, a `KeySet`, a JWK or JWK Set (a mapping, or a JSON string for public keys), PEM, an object of the
# package `cryptography`, or an HMAC secret as a string or bytes.

def jwt_encode(
    payload: Mapping[str, Any],
    key: Any,
    algorithm: str | None = None,
    headers: Mapping[str, Any] | None = None,
    json_encoder: type[JSONEncoder] | None = None,
    sort_headers: bool = True,
    *,
    enforce_minimum_key_length: bool = False,
) -> str:
    """Signs a dict of claims and returns the token.

    `algorithm` defaults to the algorithm of the key, or else HS256. `exp`, `iat` and `nbf` may be datetimes.
    `json_encoder` is a subclass of `json.JSONEncoder`, for the claims and the headers. NaN and infinity are errors, and
    so are two names of members that are equal in JSON, such as `1` and `"1"`. With `sort_headers=False`, the headers
    are in the given order, after `typ` and `alg`. If a secret is shorter than the hash of its algorithm, a warning is
    issued or, with `enforce_minimum_key_length`, an error is raised.
    """

def jwt_decode(
    jwt: str | bytes | None = None,
    key: Any = None,
    algorithms: Iterable[str] | None = None,
    options: Mapping[str, Any] | None = None,
    verify: bool | None = None,
    detached_payload: bytes | None = None,
    audience: str | Iterable[str] | None = None,
    subject: str | None = None,
    issuer: str | Iterable[str] | None = None,
    leeway: _Seconds | None = None,
    *,
    now: _Seconds | None = None,
    token: str | bytes | None = None,
) -> dict[str, Any]:
    """Verifies a token and returns its claims.

    `options`: `require` (`["exp"]` by default), `verify_signature`, `verify_exp`, `verify_nbf`,
    `verify_iat`, `verify_aud`, `verify_iss`, `verify_sub`, `verify_jti`, `strict_aud`, `typ`,
    `enforce_minimum_key_length`. `now` is for tests and replays; `token` is another name of `jwt`. Raises
    `InvalidTokenError`, or `InvalidKeyError` if the key is at fault. The reason is in its `code`.
    """

def jwt_decode_complete(
    jwt: str | bytes | None = None,
    key: Any = None,
    algorithms: Iterable[str] | None = None,
    options: Mapping[str, Any] | None = None,
    verify: bool | None = None,
    detached_payload: bytes | None = None,
    audience: str | Iterable[str] | None = None,
    issuer: str | Iterable[str] | None = None,
    subject: str | None = None,
    leeway: _Seconds | None = None,
    *,
    now: _Seconds | None = None,
    token: str | bytes | None = None,
) -> dict[str, Any]:
    """Verifies a token and returns its `header`, its `payload` and its `signature`."""

def jwt_check_claims(
    payload: dict[str, Any],
    header: dict[str, Any],
    *,
    options: Mapping[str, Any] | None = None,
    audience: str | Iterable[str] | None = None,
    issuer: str | Iterable[str] | None = None,
    subject: str | None = None,
    leeway: _Seconds | None = None,
    now: _Seconds | None = None,
) -> None:
    """Checks claims that a subclass of `PyJWT` has decoded from a verified payload."""

def jwt_check_options(options: Mapping[str, Any], *, verify: bool | None = None) -> None:
    """Raises an error for invalid options, and warns if `verify` contradicts them."""

def jws_check_options(options: Mapping[str, Any]) -> None:
    """Raises an error for options that a JWS doesn't have, and for invalid ones."""

def jws_sign(
    payload: bytes,
    key: Any,
    algorithm: str | None = None,
    headers: Mapping[str, Any] | None = None,
    *,
    json_encoder: type[JSONEncoder] | None = None,
    sort_headers: bool = True,
    is_payload_detached: bool = False,
    enforce_minimum_key_length: bool = False,
) -> str:
    """Signs any payload and returns the token.

    With `is_payload_detached`, or with `"b64": False` in the headers, the payload is omitted from the token and isn't
    encoded, RFC 7797. The other arguments are those of `boltguard.jwt.encode`.
    """

def jws_verify(
    token: str | bytes,
    key: Any,
    algorithms: Iterable[str] | None = None,
    detached_payload: bytes | None = None,
    *,
    enforce_minimum_key_length: bool = False,
) -> bytes:
    """Verifies a token and returns its payload.

    A token with an unencoded payload, RFC 7797, is rejected unless `detached_payload` is passed.
    """

def jws_verify_complete(
    token: str | bytes,
    key: Any = None,
    algorithms: Iterable[str] | None = None,
    detached_payload: bytes | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Verifies a token, unless the options say otherwise, and returns its `header`, `payload` and `signature`."""

def read_certificate(value: str) -> tuple[bytes, str] | None:
    """A certificate in DER and its SHA-256 fingerprint; `None` if the string isn't a certificate."""

def parse_fingerprint(value: str) -> str:
    """A fingerprint in the form that `read_certificate` returns."""

def unverified_header(jwt: str | bytes) -> dict[str, Any]:
    """The header of a token, without verification."""

# --- guards ------------------------------------------------------------------------------------------------------

@final
class Guard:
    """A rule that allows or denies callers, in three-valued logic. Combine rules with `&`, `|` and `~`.

    Raises `ConfigurationError` for an invalid name.
    """

    @staticmethod
    def allow_any() -> Guard:
        """Allows all callers, including anonymous ones."""

    @staticmethod
    def deny_all() -> Guard:
        """Allows no one."""

    @staticmethod
    def authenticated() -> Guard:
        """Allows all authenticated callers."""

    @staticmethod
    def staff() -> Guard:
        """Allows staff users."""

    @staticmethod
    def admin() -> Guard:
        """Allows superusers."""

    @staticmethod
    def permission(name: str) -> Guard:
        """Allows callers that have the permission."""

    @staticmethod
    def any_permission(names: Iterable[str]) -> Guard:
        """Allows callers that have at least one of the permissions."""

    @staticmethod
    def all_permissions(names: Iterable[str]) -> Guard:
        """Allows callers that have all of the permissions."""

    @staticmethod
    def scope(name: str) -> Guard:
        """Allows callers that have the OAuth scope."""

    @staticmethod
    def role(name: str) -> Guard:
        """Allows callers that have the role."""

    @staticmethod
    def any_role(names: Sequence[str]) -> Guard:
        """Allows callers that have at least one of the roles."""

    @staticmethod
    def fresh_auth(max_age: int, acr: Sequence[str] | None = None) -> Guard:
        """Allows callers whose user was authenticated in the last `max_age` seconds, with one of the `acr` values."""

    @staticmethod
    def claim(
        name: str,
        any_of: Sequence[str | int | bool] | None,
        all_of: Sequence[str | int | bool] | None,
        none_of: Sequence[str | int | bool] | None,
    ) -> Guard:
        """Allows callers with a token that has this claim, with one of `any_of`, all of `all_of` and none of `none_of`.
        Each of these is ignored if it is `None`, and must not be empty.
        """

    @staticmethod
    def via_backend(name: str) -> Guard:
        """Allows callers that this backend authenticated: `jwt` or `api_key`."""

    @staticmethod
    def check(name: str) -> Guard:
        """Allows authenticated callers for which the custom check with this name returns `True`."""

    @staticmethod
    def parse(text: str) -> Guard:
        """Parses a guard in string form, such as `authenticated & (perm("blog.add") | staff)`."""

    @staticmethod
    def from_json(document: str) -> Guard:
        """Reads the JSON document that `to_json` returned."""

    def to_json(self) -> str:
        """A JSON document with the string form and its version."""

    @staticmethod
    def all(guards: Sequence[Guard]) -> Guard:
        """Allows callers that all of the guards allow."""

    def __and__(self, value: Guard, /) -> Guard: ...
    def __or__(self, value: Guard, /) -> Guard: ...
    def __rand__(self, value: Guard, /) -> Guard: ...
    def __ror__(self, value: Guard, /) -> Guard: ...
    def __invert__(self) -> Guard: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @property
    def checks(self) -> list[str]:
        """The names of the custom checks in the guard."""

    @property
    def backends(self) -> list[str]:
        """The names of the backends that the guard requires."""

    @property
    def has_fresh_auth(self) -> bool:
        """Whether the guard requires a recent authentication."""

    @property
    def roles(self) -> list[str]:
        """The roles in the guard."""

    @property
    def allows_anonymous(self) -> bool:
        """Whether anonymous callers are allowed."""

    def implies(self, other: Guard) -> bool:
        """Whether `other` allows every caller that this guard allows. Raises `GuardTooLarge` if that isn't known."""

    def is_equivalent(self, other: Guard) -> bool:
        """Whether both guards always have the same result: allow, 401 or 403. Raises `GuardTooLarge` if unknown."""

    def explain(self, context: AuthContext | None = None, results: Mapping[str, bool] | None = None) -> Explanation:
        """Explains the decision for a caller, given the results of custom checks. `None` is the anonymous caller."""

@final
class Explanation:
    """The parts of a guard that were true or false for a caller, and what is missing. Not for clients."""

    @property
    def decision(self) -> str:
        """The decision: `allow`, `undetermined`, `challenge` or `deny`."""

    def to_dict(self) -> dict[str, Any]:
        """The parts of the guard as plain objects, each before its own parts, and what is missing."""

# --- forged requests ---------------------------------------------------------------------------------------------

@final
class OriginPolicy:
    """The origins whose pages may make requests with cookies, besides the origin of the service itself."""

    def __new__(cls, trusted: Sequence[str] = ...) -> OriginPolicy:
        """Trusts origins such as `https://app.example.com`; `https://*.example.com` includes the subdomains.

        Raises `ConfigurationError` if one isn't an origin.
        """

    def classify(
        self, *, origin: str | None, fetch_site: str | None, own: str | None = None, host: str | None = None
    ) -> Literal["cross_origin", "same_origin", "trusted", "unknown"]:
        """Where a request comes from, according to its headers `Origin` and `Sec-Fetch-Site`; `unknown` if it has
        neither of them.

        `own` is the origin of the service, such as `https://api.example.com`. Without it, `host` is used, the `Host`
        header, and the scheme must be `https`, or `http` on the local machine.
        """

def find_cookie(header: str, name: str) -> str | None:
    """The value of a cookie in a `Cookie` header, or `None` if the header has no cookie of this name, or two of them.

    Two cookies can have the same name if another host of the same site has set one of them.
    """

# --- revocation --------------------------------------------------------------------------------------------------

@final
class MemoryRevocation:
    """Revoked tokens and levels, in the memory of this process.

    The number of entries is limited. An entry is removed once its tokens have expired. If the store is full of entries
    that haven't expired, `RevocationStoreFull` is raised.
    """

    def __new__(cls, max_entries: int = 1_000_000) -> MemoryRevocation: ...
    def revoke(self, jti: str, ttl: _Seconds | None = None) -> None:
        """Revokes a token for `ttl` seconds plus the leeway, or forever if `ttl` is `None`."""

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this ID is revoked. Other levels are not checked."""

    def revoke_level(self, level: RevocationLevel, before: int, ttl: _Seconds | None = None) -> None:
        """Revokes the tokens of a level that were issued at or before this time in Unix milliseconds, for `ttl` seconds
        plus the leeway, or forever if `ttl` is `None`.
        """

    def check(self, query: RevocationQuery) -> bool:
        """Whether the token is revoked, at any level."""

    def bind_leeway(self, leeway: _Seconds) -> None:
        """Registers the leeway of a backend. Entries are kept for the largest leeway after their token has expired."""

    def purge(self) -> int:
        """Removes the entries of expired tokens and returns their number."""

    def __len__(self) -> int: ...

@final
class RevocationReplica:
    """A copy of a shared revocation list, which a `RevocationSynchronizer` keeps current.

    A backend checks it without calling Python code. While the copy may have missed an entry, `check` raises
    `RevocationUnavailable`.
    """

    def __new__(cls, max_entries: int, *, retry_in: _Seconds) -> RevocationReplica:
        """`retry_in` is the `Retry-After` of responses while the copy is unavailable, in seconds."""

    def check(self, query: RevocationQuery) -> bool:
        """Whether the token is revoked, at any level."""

    @property
    def state(self) -> str:
        """`"current"`, `"never_synced"`, `"stale"`, `"full"` or `"clock_moved"`."""

    @property
    def remaining(self) -> float | None:
        """For how many seconds the entries stay current without another synchronization. It is negative afterwards, and
        `None` if they never were.
        """

    def bind_leeway(self, leeway: _Seconds) -> None:
        """Registers the leeway of a backend. Entries are kept for the largest leeway after their token has expired."""

    def reset(self) -> None:
        """Removes all entries, as in a new process that has never been synchronized."""

    def __len__(self) -> int: ...

@final
class RevocationSynchronizer:
    """A state machine that keeps a `RevocationReplica` current. It performs no I/O.

    Call `next()` repeatedly, carry out what it returns, and report the result. A read of the complete list can be
    carried out in another thread, and its result must always be reported.
    """

    def __new__(
        cls, replica: RevocationReplica, max_staleness: _Seconds, *, is_polling: bool = False
    ) -> RevocationSynchronizer:
        """With `is_polling`, there is no stream: the complete list is read at each interval."""

    def next(self) -> StreamQuery | TruthRead | float:
        """What to do now. A number is for how many seconds to wait, unless a result is reported before."""

    def handle_response(self, number: int, response: StreamResponse) -> None:
        """Handles the response to the query with this number."""

    def query_failed(self, number: int) -> None:
        """Handles a query without a valid response."""

    def insert(self, entry: RevocationEntry) -> None:
        """Adds an entry that this process has written to the complete list, so that it takes effect here at once."""

    def handle_truth(self, number: int, entries: Sequence[RevocationEntry]) -> None:
        """Adds entries of the complete list. There can be several calls for a read."""

    def truth_complete(self, number: int) -> None:
        """Handles the end of the read with this number: all entries have been added."""

    def truth_failed(self, number: int) -> None:
        """Handles a read that failed."""

    @property
    def losses(self) -> int:
        """How often entries may have been missed, so that the complete list was read again, including at the start."""

    @property
    def last_loss(self) -> str:
        """The last reason: `"clock_moved"`, `"flushed"`, `"full"`, `"invalid_row"`, `"missing_rows"`, `"not_primary"`,
        `"promoted"`, `"restarted"` or `"start"`.
        """

@final
class StreamQuery:
    """A query of the stream."""

    @property
    def number(self) -> int:
        """The number with which the response or the error is reported."""

    @property
    def after(self) -> str:
        """The ID after which rows are read."""

    @property
    def limit(self) -> int:
        """The maximum number of rows."""

    @property
    def new_epoch(self) -> str | None:
        """The epoch to set, if the stream doesn't have one."""

    def commands(self, stream: str) -> list[list[str]]:
        """The commands for the stream with this key, on one connection and in this order. The last two responses have
        the result: those of `EXEC` and `XTRIM`.
        """

@final
class StreamResponse:
    """The response to a `StreamQuery`. For a stream that doesn't exist, `entries_added` is 0, `last_id` is `0-0`, and
    `epoch` is `None`.
    """

    def __new__(
        cls,
        *,
        entries_added: int,
        last_id: str,
        epoch: str | None,
        rows: Sequence[tuple[str, Sequence[tuple[bytes, bytes]]]],
        run_id: str,
        replication_id: str,
        is_primary: bool,
    ) -> StreamResponse: ...

@final
class TruthRead:
    """A read of the complete list, which must begin after `next()` returned it, on the primary database."""

    @property
    def number(self) -> int:
        """The number with which the result is reported."""

    @property
    def is_full(self) -> bool:
        """Whether all entries must be read, not only those that were added since the last read."""

    @property
    def expired_at(self) -> float:
        """Entries that are kept until this time, in seconds since the epoch, or an earlier one, can be omitted."""

@final
class RevocationEntry:
    """A revocation of a token or of a level.

    `until` is the time, in seconds since the epoch, until which it is kept, or `None` if it is permanent. The `repr`
    shows no IDs.
    """

    @staticmethod
    def token(token_id: str, until: _Seconds | None = None) -> RevocationEntry:
        """The entry of the token with this ID."""

    @staticmethod
    def token_digest(digest: str, until: _Seconds | None = None) -> RevocationEntry:
        """The entry of a token of whose ID only the SHA-256 digest is known: its first 32 to 64 hexadecimal digits."""

    @staticmethod
    def level(level: RevocationLevel, before: int, until: _Seconds | None = None) -> RevocationEntry:
        """The entry of the tokens of a level that were issued at or before this time in Unix milliseconds."""

    @staticmethod
    def stored_level(name: str, before: int, until: _Seconds | None = None) -> RevocationEntry:
        """The entry of a level of which only the name in shared stores is known, with or without `boltguard:level:`."""

    def fields(self) -> list[tuple[str, str]]:
        """The names and values of the fields of a row in the stream."""

@final
class RevocationQuery:
    """The parts of a token by which it can be revoked.

    `issued_at` is the claim `iat` in Unix milliseconds. The `repr` doesn't show the parts.
    """

    def __new__(
        cls,
        token_id: str,
        *,
        session_id: str | None = None,
        subject: str | None = None,
        issuer: str | None = None,
        key_id: str | None = None,
        issued_at: int | None = None,
    ) -> RevocationQuery: ...
    @property
    def token_id(self) -> str:
        """The claim `jti`, or an empty string."""

    @property
    def session_id(self) -> str | None:
        """The claim `sid`."""

    @property
    def subject(self) -> str | None:
        """The claim `sub`, or the one that contains the user ID."""

    @property
    def issuer(self) -> str | None:
        """The claim `iss`."""

    @property
    def key_id(self) -> str | None:
        """The `kid` of the header."""

    @property
    def issued_at(self) -> int | None:
        """When the token was issued, in Unix milliseconds: the time in its ID if that is a UUID of version 7, otherwise
        `iat`.
        """

    def levels(self) -> list[RevocationLevel]:
        """The levels that the token belongs to."""

    def is_revoked_by(self, latest: int | None) -> bool:
        """Whether the token was issued at or before the latest watermark of its levels, in Unix milliseconds. If it
        isn't known when the token was issued, any watermark revokes it.
        """

@final
class RevocationLevel:
    """A set of tokens that can be revoked together: those of a session, subject, issuer or key.

    The `repr` doesn't show the value.
    """

    @staticmethod
    def session(session_id: str) -> RevocationLevel:
        """The tokens of the session with this `sid`."""

    @staticmethod
    def subject(subject: str, issuer: str | None = None) -> RevocationLevel:
        """The tokens of a subject: of one issuer, or of any issuer and of none."""

    @staticmethod
    def issuer(issuer: str) -> RevocationLevel:
        """The tokens of the issuer with this `iss`."""

    @staticmethod
    def key(key_id: str) -> RevocationLevel:
        """The tokens whose header has this `kid`."""

    @property
    def kind(self) -> Literal["session", "subject", "issuer", "key"]:
        """`"session"`, `"subject"`, `"issuer"` or `"key"`."""

    @property
    def value(self) -> str:
        """The `sid`, `sub`, `iss` or `kid`."""

    @property
    def subject_issuer(self) -> str | None:
        """The issuer of a subject of one issuer, otherwise `None`."""

    @property
    def storage_key(self) -> str:
        """The name of the level in shared stores: `boltguard:level:`, the kind and SHA-256 digests, in at most 153
        characters.
        """

    def __hash__(self) -> int: ...

@final
class RevocationSentinel:
    """Detects that a store shared with other processes has lost its entries."""

    def __new__(cls) -> RevocationSentinel: ...
    def examine(self, found: int | None) -> tuple[str, int | None]:
        """Compares the mark found in the store. Returns `"intact"` or `"lost"`, or `"missing"` or `"outdated"` with the
        mark to write.
        """

    def mark_for(self, found: int, lifetime: _Seconds | None) -> int | None:
        """The mark to write before an entry that is kept for `lifetime` seconds, or forever if `lifetime` is `None`.
        Returns `None` if the mark that was found suffices.
        """

    @staticmethod
    def accepting_loss(found: int | None) -> int:
        """The mark to write once lost entries no longer matter."""

# --- backends and the gate ---------------------------------------------------------------------------------------

@final
class JwtBackend:
    """Authenticates requests by a JWT in a header or a cookie. All settings are checked when it is created.

    Raises `ConfigurationError`, `InvalidKeyError` or `InvalidAlgorithmError` for invalid settings.
    """

    def __new__(
        cls,
        *,
        keys: Sequence[Any],
        algorithms: Iterable[str],
        header: str | None = "authorization",
        audience: Sequence[str] | None = None,
        issuer: Sequence[str] | None = None,
        leeway: _Seconds | None = None,
        required_claims: Sequence[str] | None = None,
        user_id_claim: str = "sub",
        typ: str | None = None,
        claims: Sequence[tuple[str, Sequence[str | int | bool]]] | None = None,
        scheme: Sequence[str] | None = None,
        subject_required: bool = True,
        memory_revocation: MemoryRevocation | None = None,
        revocation_replica: RevocationReplica | None = None,
        external_revocation: bool = False,
        store_errors_allow: bool = False,
        cached_tokens: int = 0,
        remote_keys: RemoteKeys | None = None,
        external_accounts: int | None = None,
        name: str | None = None,
        cookie: str | None = None,
        not_before_ignored: bool = False,
        max_age: _Seconds | None = None,
        permissions_from: Sequence[str] | None = None,
        scopes_from: Sequence[str] | None = None,
        roles_from: Sequence[str] | None = None,
    ) -> JwtBackend:
        """`external_accounts` is the number of the accounts of another issuer, see `AuthContext.account_source`.

        Without a `header`, only tokens in the `cookie` are accepted. Requests with a token in a cookie may be forged:
        check those whose context has the `credential_source` `cookie`.
        """

    @property
    def weak_secrets(self) -> list[str]:
        """The algorithms with a secret that is shorter than their hash."""

    @property
    def cached_tokens(self) -> int:
        """The current number of cached tokens."""

@final
class ApiKeyBackend:
    """Authenticates requests by an API key in a header. Only digests of the keys are stored."""

    def __new__(
        cls,
        *,
        api_keys: Iterable[str],
        key_permissions: Mapping[str, Iterable[str]] | None = None,
        header: str = "x-api-key",
        id_key: bytes | None = None,
        scheme: Sequence[str] | None = None,
        name: str | None = None,
    ) -> ApiKeyBackend:
        """`id_key` is a secret that makes the public IDs of the keys unguessable."""

    @staticmethod
    def stored(
        store: ApiKeyStore,
        *,
        header: str = "x-api-key",
        store_errors_allow: bool = False,
        scheme: Sequence[str] | None = None,
        name: str | None = None,
    ) -> ApiKeyBackend:
        """Looks keys up in a store. The gate requires an update of the store when it is outdated. If the update fails,
        the outdated keys are used if `store_errors_allow` is `True`.
        """

    def with_id_key(self, id_key: bytes) -> ApiKeyBackend:
        """The same backend with public IDs that are derived with this secret. Keys in a store have their own IDs."""

    @property
    def weak_keys(self) -> int:
        """The number of keys that are shorter than 16 bytes."""

# --- generated API keys ----------------------------------------------------------------------------------------

@final
class ApiKeyFormat:
    """The format of the API keys of a site: `prefix_<id>_<secret><checksum>`."""

    def __new__(cls, prefix: str) -> ApiKeyFormat: ...
    @property
    def prefix(self) -> str:
        """The prefix, without the `_` that follows it."""

    @property
    def pattern(self) -> str:
        """A regular expression that matches the keys, for a secret scanner."""

    def generate(self) -> GeneratedApiKey:
        """Generates a key."""

    def parse(self, key: str) -> str:
        """Returns the public ID of a key. Raises `ValueError` if the key is malformed or mistyped."""

@final
class GeneratedApiKey:
    """A new key. Only `expose` reveals it."""

    @property
    def id(self) -> str:
        """The public ID, which isn't secret."""

    def expose(self) -> str:
        """The key, to be shown to its owner once."""

    def digest(self, pepper: bytes) -> bytes:
        """The digest to store instead of the key, keyed by the pepper."""

@final
class StoredApiKey:
    """A row of the table of keys. It doesn't contain the key. Dates are seconds since the epoch."""

    def __new__(
        cls,
        id: str,
        digest: bytes,
        *,
        created_at: _Seconds,
        owner: str | None = None,
        permissions: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        expires_at: _Seconds | None = None,
        revoked_at: _Seconds | None = None,
    ) -> StoredApiKey: ...
    @property
    def id(self) -> str:
        """The public ID."""

@final
class ApiKeyUse:
    """The last use of a key, to be stored."""

    @property
    def id(self) -> str:
        """The public ID of the key."""

    @property
    def at(self) -> int:
        """The time of the use, in whole seconds since the epoch."""

    @property
    def digest(self) -> bytes:
        """The stored digest."""

    @property
    def new_digest(self) -> bytes | None:
        """The digest with the current pepper, if the stored one was created with an old pepper."""

@final
class ApiKeyRefresh:
    """A refresh that has begun."""

@final
class ApiKeyStore:
    """API keys in memory, which are read without a lock."""

    def __new__(cls, format: ApiKeyFormat, peppers: Sequence[bytes], *, refresh_interval: _Seconds) -> ApiKeyStore:
        """Creates a store for keys with this format, whose digests are keyed by one of the peppers, the current one
        first. The keys are up to date for `refresh_interval` seconds after each refresh.
        """

    @property
    def is_current(self) -> bool:
        """Whether the last refresh was less than `refresh_interval` ago and no change was noted since."""

    def note_change(self) -> None:
        """Notes a change of the table. A refresh that began before it doesn't count."""

    def begin_refresh(self) -> ApiKeyRefresh:
        """Begins a refresh. Call this before you read the table."""

    def finish_refresh(self, refresh: ApiKeyRefresh) -> None:
        """Finishes a refresh. The keys are up to date as of its beginning."""

    def replace(self, keys: Iterable[StoredApiKey]) -> None:
        """Replaces all keys."""

    def update(self, changed: Iterable[StoredApiKey], removed: Sequence[str]) -> None:
        """Adds or replaces keys, and removes those with the `removed` IDs."""

    def take_uses(self) -> list[ApiKeyUse]:
        """Returns the last use of each key that was used since the previous call."""

    def __len__(self) -> int: ...

@final
class Gate:
    """Backends and a guard, compiled once for one route."""

    def __new__(cls, backends: Sequence[JwtBackend | ApiKeyBackend | EdgeBackend], guard: Guard) -> Gate: ...
    def check(self, meta: dict[str, Any]) -> _Step:
        """Evaluates a request by its `META`: a context, a refusal, or what the evaluation needs."""

    def check_caller(self, context: AuthContext | None) -> AuthContext | Refusal | GuardChecks:
        """Evaluates the guard for a caller whom another gate has identified; `None` is an anonymous caller."""

    @property
    def challenge(self) -> str | None:
        """The value of `WWW-Authenticate` for a request without credentials."""

    @property
    def guard(self) -> Guard:
        """The guard."""

    @property
    def allows_anonymous(self) -> bool:
        """Whether anonymous callers are allowed."""

@final
class KeyRefresh:
    """The keys of an issuer have to be refreshed. It can be continued once."""

    @property
    def backend_index(self) -> int:
        """The place of the backend whose issuer it is."""

    @property
    def unknown_kid(self) -> bool:
        """Whether the token's key is not among the keys, rather than the keys being stale."""

    def done(self) -> _Step:
        """Continues after the keys were refreshed."""

    def unavailable(self) -> _Step:
        """Continues after the refresh failed."""

@final
class ApiKeySnapshotRefresh:
    """A snapshot of stored API keys has to be refreshed. It can be continued once."""

    @property
    def backend_index(self) -> int:
        """The place of the backend whose snapshot it is."""

    def done(self, backend: ApiKeyBackend) -> _Step:
        """Continues with the keys of this backend, which replaces the gate's own for this request."""

    def unavailable(self) -> _Step:
        """Continues after the refresh failed."""

@final
class RevocationCheck:
    """A store has to be asked whether a token is revoked. It can be continued once."""

    @property
    def backend_index(self) -> int:
        """The place of the backend whose store has to be asked."""

    @property
    def jti(self) -> str:
        """The ID of the token."""

    @property
    def query(self) -> RevocationQuery:
        """The parts of the token by which it can be revoked."""

    def done(self, revoked: bool) -> _Step:
        """Continues with what the store says."""

    def unavailable(self) -> _Step:
        """Continues after the store failed."""

@final
class EdgeAuthentication:
    """A backend of Python has to authenticate the request. It can be continued once."""

    @property
    def backend_index(self) -> int:
        """The place of the backend."""

    def done(self, identity: Identity | None) -> _Step:
        """Continues with the caller that the backend identified; `None` if the request has no credentials for it."""

    def failed(self) -> _Step:
        """Continues after the backend rejected the credentials."""

    def unavailable(self) -> _Step:
        """Continues after the backend couldn't check the credentials."""

@final
class GuardChecks:
    """The caller is identified, and may be admitted if custom checks of the guard hold."""

    @property
    def context(self) -> AuthContext:
        """The caller, who is not admitted yet."""

    def open_checks(self, results: Mapping[str, bool] | None = None) -> list[str]:
        """The names of the checks that could still change the decision, given these results."""

    def resume(self, results: Mapping[str, bool]) -> AuthContext | Refusal | GuardChecks:
        """Continues with these results: a context, a refusal, or these checks again if the others could still change
        the decision.
        """

    def finish(self, results: Mapping[str, bool]) -> AuthContext | Refusal:
        """Decides with these results and no others, so that open checks count as failed."""

@final
class EdgeBackend:
    """A backend that Python implements."""

    def __new__(
        cls, name: str, *, header: str | None = None, reads: Sequence[str] = ..., scheme: Sequence[str] = ...
    ) -> EdgeBackend: ...

@final
class Identity:
    """A caller and their grants, as returned by a custom backend."""

    def __new__(
        cls,
        user_id: str,
        *,
        permissions: Iterable[str] | None = None,
        scopes: Iterable[str] | None = None,
        is_staff: bool = False,
        is_superuser: bool = False,
        claims: dict[str, Any] | None = None,
        roles: Iterable[str] | None = None,
    ) -> Identity: ...
    @property
    def user_id(self) -> str:
        """The ID of the caller."""

@final
class Refusal:
    """The refusal of a request, with everything for the response."""

    @property
    def status(self) -> int:
        """The HTTP status: 401, 403 or 503."""

    @property
    def code(self) -> str:
        """The code in the body of the response."""

    @property
    def reason(self) -> str:
        """The precise cause, for logs."""

    @property
    def claim(self) -> str | None:
        """The invalid claim, for logs, if the reason doesn't identify it."""

    @property
    def context(self) -> AuthContext | None:
        """The caller that is refused, for logs, if the guard denied access."""

    @property
    def detail(self) -> str:
        """The description in the body of the response."""

    @property
    def challenge(self) -> str | None:
        """The value of `WWW-Authenticate`."""

    @property
    def retry_after(self) -> int | None:
        """The value of `Retry-After`, in seconds, if it is known."""

    @property
    def body(self) -> bytes:
        """The body, in JSON."""

# Registered with `collections.abc.Mapping` at run time; declared here so that type checkers accept it as one.
@final
class AuthContext(Mapping[str, Any]):
    """The caller of a request: `request.context`.

    A read-only mapping of `user_id`, `is_staff`, `is_superuser`, `auth_backend`, `permissions`, for a token also
    `auth_claims`, and if invalid credentials were allowed as anonymous, also `auth_error`. The claims become Python
    objects when they are read.
    """

    @staticmethod
    def csrf_failed() -> AuthContext:
        """Returns the context of a request that failed the CSRF check: anonymous, with the error `csrf_failed`."""

    @property
    def user_id(self) -> str | None:
        """The ID of the user, as a string; `None` for the anonymous caller."""

    @property
    def account(self) -> str | None:
        """The ID of the local account that the credentials belong to; `None` for an API key without an owner, and for a
        token of another issuer.
        """

    @property
    def account_source(self) -> int | None:
        """The number that identifies the kind of accounts of the token, if they are those of another issuer."""

    @property
    def issuer(self) -> str | None:
        """The issuer of the token."""

    @property
    def api_key_id(self) -> str | None:
        """The public ID of the API key."""

    @property
    def is_custom(self) -> bool:
        """Whether a custom backend identified the caller."""

    @property
    def credential_source(self) -> Literal["cookie", "custom", "header"] | None:
        """Where the credentials were in the request; `None` for the anonymous caller."""

    @property
    def is_from_cookie(self) -> bool:
        """Whether browsers send the credentials automatically, because they are in a cookie."""

    @property
    def has_token(self) -> bool:
        """Whether the credentials are a token."""

    @property
    def is_authenticated(self) -> bool:
        """Whether a backend authenticated the caller."""

    @property
    def is_staff(self) -> bool:
        """Whether the credentials contain `is_staff`."""

    @property
    def is_superuser(self) -> bool:
        """Whether the credentials contain `is_superuser`."""

    @property
    def auth_backend(self) -> str | None:
        """The name of the backend that authenticated the caller, such as `jwt` or `api_key`."""

    @property
    def permissions(self) -> list[str]:
        """The permissions of the caller, including wildcards."""

    @property
    def jti(self) -> str | None:
        """The ID of the token, which is required to revoke it."""

    @property
    def session_id(self) -> str | None:
        """The id of the session that the token belongs to: its claim `sid`."""

    @property
    def expires_in(self) -> float | None:
        """The number of seconds until the token expires; `None` if it doesn't expire."""

    def introspection(self) -> bytes | None:
        """The response of token introspection for the token, RFC 7662, as JSON."""

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or `default`."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __sentry_repr__(self) -> str:
        """The representation for Sentry, which would otherwise list the items of a mapping."""

# --- sessions ----------------------------------------------------------------------------------------------------

@final
class SessionEngine:
    """Issues and verifies the tokens of sessions, and decides what happens to a session when a refresh token is
    presented.

    It keeps no sessions: the caller stores them. Dates are seconds since the epoch.
    """

    def __new__(
        cls,
        secrets: Sequence[bytes],
        *,
        access_lifetime: _Seconds,
        refresh_lifetime: _Seconds,
        session_lifetime: _Seconds,
        reuse_grace: _Seconds,
    ) -> SessionEngine:
        """Creates an engine whose tokens are derived from the first secret. Tokens of the other secrets are
        accepted.
        """

    @staticmethod
    def begin(subject: str, now: _Seconds) -> SessionState:
        """Begins a session of a user, with a random ID."""

    def verify(self, token: str) -> PresentedRefreshToken | None:
        """Returns the session and the generation of a refresh token, or `None` if this server didn't issue it."""

    def decide(self, state: SessionState, presented: PresentedRefreshToken, now: _Seconds) -> SessionDecision:
        """Decides what happens to a session if a token is presented."""

    def refresh_token(self, state: SessionState) -> str:
        """The current refresh token of a session."""

    def access_token(self, state: SessionState, minter: Minter, claims: Mapping[str, Any]) -> str:
        """The access token that belongs to the current refresh token. It is the same whenever it is issued, if the
        claims are the same and the signature algorithm is deterministic.
        """

    def expires(self, state: SessionState) -> float:
        """When the current refresh token expires, and the session with it, unless the token is used before."""

    def access_expires(self, state: SessionState) -> float:
        """When the access token expires that belongs to the current refresh token."""

@final
class SessionState:
    """The state of a session, as it is stored."""

    def __new__(
        cls,
        id: str,
        subject: str,
        *,
        generation: int,
        created: _Seconds,
        last_used: _Seconds,
        ended: _Seconds | None = None,
    ) -> SessionState: ...
    @property
    def id(self) -> str:
        """The ID, which isn't secret."""

    @property
    def generation(self) -> int:
        """The generation of the current refresh token."""

    @property
    def created(self) -> float:
        """When the user logged in."""

    @property
    def last_used(self) -> float:
        """When the current refresh token was issued."""

@final
class PresentedRefreshToken:
    """The session and the generation of a refresh token that this server issued."""

    @property
    def session_id(self) -> str:
        """The ID of the session."""

@final
class SessionDecision:
    """What happens to a session."""

    @property
    def kind(self) -> Literal["rotate", "replay", "reused", "ended", "expired", "invalid"]:
        """`"rotate"`: store `next`, unless the session was changed, and issue its tokens. `"replay"`: issue the
        current tokens again. `"reused"`: end the session. `"ended"`, `"expired"` or `"invalid"`: refuse the token.
        """

    @property
    def code(self) -> str | None:
        """The reason code if the token is refused."""

    @property
    def next(self) -> SessionState | None:
        """The state to store, if the token is rotated."""

# --- minting -----------------------------------------------------------------------------------------------------

@final
class Minter:
    """Issues tokens that are signed with one key."""

    def __new__(cls, key: Any, algorithm: str, *, kid: str | None = None, typ: str = "JWT") -> Minter: ...
    def mint(
        self,
        subject: str,
        expires_in: _Seconds,
        claims: Mapping[str, Any],
        *,
        now: _Seconds | None = None,
    ) -> str:
        """Issues a token for `subject` that expires in `expires_in` seconds. The claims are added to `sub`, `iat`,
        `exp` and `jti`, which they can't replace.
        """

    @property
    def algorithm(self) -> str:
        """The name of the algorithm."""
