"""The engine of Boltguard, as Python sees it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from json import JSONEncoder
from typing import Any, Final, TypeAlias, final

__all__ = [
    "ALGORITHMS",
    "ApiKeyBackend",
    "ApiKeyFormat",
    "ApiKeyRefresh",
    "ApiKeyStore",
    "ApiKeyUse",
    "AuthContext",
    "Conditional",
    "Explanation",
    "FetchTurn",
    "Gate",
    "GeneratedApiKey",
    "Guard",
    "JwtBackend",
    "Key",
    "KeySet",
    "MemoryRevocation",
    "Minter",
    "Pending",
    "Refusal",
    "RemoteKeys",
    "RevocationSentinel",
    "StoredApiKey",
    "__version__",
    "jws_check_options",
    "jws_sign",
    "jws_verify",
    "jws_verify_complete",
    "jwt_check_claims",
    "jwt_check_options",
    "jwt_decode",
    "jwt_decode_complete",
    "jwt_encode",
    "unverified_header",
]

__version__: Final[str]
ALGORITHMS: Final[tuple[str, ...]]
"""The names of all algorithms."""

_Seconds: TypeAlias = float | timedelta

# --- keys --------------------------------------------------------------------------------------------------------

@final
class Key:
    """Key material: an HMAC secret, a public or a private key. It never shows what it holds.

    What it needs for an algorithm is prepared once, at the first use. A key that can't be read, or can't serve, raises
    `InvalidKeyError`.
    """

    @staticmethod
    def from_secret(secret: bytes | str, *, kid: str | None = None) -> Key:
        """Takes an HMAC secret as it is: bytes, or text in UTF-8."""

    @staticmethod
    def from_base64url(text: str, *, kid: str | None = None) -> Key:
        """Takes the HMAC secret that this base64url text, without padding, stands for."""

    @staticmethod
    def from_pem(pem: str | bytes, *, kid: str | None = None) -> Key:
        """Reads PEM: a public key, a certificate or a private key, as its label says.

        Line ends may be missing or two characters each, as in environment variables; DER, base64 of either, and public
        keys of OpenSSH are read too.
        """

    @staticmethod
    def from_der(der: bytes, *, kid: str | None = None) -> Key:
        """Reads DER: a public key, a certificate or a private key."""

    @staticmethod
    def from_jwk(jwk: str | Mapping[str, Any]) -> Key:
        """Reads a JSON Web Key, a mapping or its JSON text; its `alg`, `use` and `key_ops` are obeyed."""

    @staticmethod
    def read(key: Any, algorithm: str | None = None) -> Key:
        """Reads a key in any of the forms that `boltguard.jwt.decode` takes: PEM text, a JWK, an object of the package
        `cryptography`, and a secret where the algorithm is of HMAC.
        """

    @staticmethod
    def generate(algorithm: str, *, kid: str | None = None) -> Key:
        """Makes a random key for an algorithm: a secret, or a private key (RSA excepted)."""

    @property
    def kid(self) -> str | None:
        """The key's name, by which a token's `kid` selects it."""

    @property
    def kind(self) -> str:
        """`"secret"`, `"public"` or `"private"`."""

    @property
    def algorithms(self) -> list[str]:
        """The algorithms that the key can serve: what its JWK says that it is for is obeyed."""

    def public_key(self) -> Key:
        """The public key that belongs to a private one; a public one gives itself."""

    def thumbprint(self) -> str:
        """The thumbprint of RFC 7638, in base64url."""

    def to_jwk(self) -> dict[str, Any]:
        """The JSON Web Key of the public key, fit to be published."""

    def to_pem(self) -> str:
        """PEM: SPKI of a public key, PKCS#8 of a private one."""

    def is_weak_for(self, algorithm: str) -> bool:
        """Whether this is a secret shorter than the algorithm's hash."""

    def sign(self, algorithm: str, message: bytes) -> bytes:
        """The signature of `message`, alone."""

    def verify(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is the key's for `message`."""

@final
class KeySet:
    """Several keys, of which a token's `kid` selects; all of them can be replaced while requests run."""

    def __new__(cls, keys: Iterable[Key]) -> KeySet:
        """Trusts these keys, public ones and secrets."""

    @staticmethod
    def from_jwks(jwks: str | Mapping[str, Any], *, log_skipped: bool = True) -> KeySet:
        """Trusts the keys of a JWK Set, a mapping or its JSON text.

        Those that can't be used are skipped, see `skipped`, and unless `log_skipped` is false a warning is logged for
        each.
        """

    @property
    def skipped(self) -> list[str]:
        """The keys of the JWK Set that are skipped, each with its index, its `kid` and the reason."""

    def replace(self, other: KeySet) -> None:
        """Trusts the keys of `other` instead, at once and wherever this set is in use."""

    def to_jwks(self) -> dict[str, Any]:
        """The public keys as a JWK Set to publish; secrets are left out."""

@final
class RemoteKeys:
    """The keys of another issuer: when they are fetched, and how long they serve. Whoever has the turn fetches them.

    What can't be meant raises `ConfigurationError`.
    """

    def __new__(
        cls,
        url: str,
        *,
        allow_http: bool = False,
        ttl: _Seconds,
        cooldown: _Seconds,
        stale: _Seconds,
        lock_timeout: _Seconds,
        max_bytes: int,
    ) -> RemoteKeys: ...
    @property
    def url(self) -> str:
        """Where the keys are."""

    @property
    def shown_url(self) -> str:
        """The same without the query, to be shown."""

    @property
    def max_bytes(self) -> int:
        """No more than this of an answer need be read, and one byte."""

    @property
    def keys(self) -> KeySet:
        """The keys in hand; empty before the first fetch, and after the last has become too old."""

    @property
    def is_usable(self) -> bool:
        """Whether the keys in hand may be used, current or not."""

    def lacks_key_of(self, token: str) -> bool:
        """Whether the token's `kid` is that of no key in hand; without `kid`, whether none of them has signed it.

        What isn't a token raises `DecodeError`.
        """

    def reset_after_fork(self) -> None:
        """Makes the keys usable in a forked process, where no other thread fetches and none releases a lock."""

    def turn(self, *, unknown: bool = False, anew: bool = False) -> FetchTurn | None:
        """The turn to fetch, where it is the caller's; `None` where the keys in hand are to be used.

        Waits for another's fetch where there are none. With `unknown` the keys are needed for a token whose key is not
        among them, with `anew` the caller knows that they have changed. Raises `PyJWKClientConnectionError` where there
        are none and it is too early to fetch.
        """

    def skip(self, seconds: _Seconds) -> None:
        """Lets so much time pass, for tests that do not want to wait."""

@final
class FetchTurn:
    """The right to fetch, once. Whoever drops it has failed."""

    def succeed(self, status: int, body: bytes, cache_control: str | None = None) -> str | None:
        """Takes an answer. Its keys are trusted from now on, or those from before stay and the text says why."""

    def fail(self, why: str) -> str | None:
        """Says why no answer came: "connection", "encoded", "timeout" or "too_large". Gives that as a sentence."""

    @property
    def skipped(self) -> list[str]:
        """The keys of the answer that are skipped, each with its index, its `kid` and the reason."""

# --- tokens ------------------------------------------------------------------------------------------------------
# A key is a `Key`, a `KeySet`, a JWK or JWK Set (a mapping, or its text for public keys), PEM text, an object of the
# package `cryptography`, or the text or bytes of an HMAC secret.

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

    `algorithm` is the key's own where it has one, else HS256. `exp`, `iat` and `nbf` may be datetimes. `json_encoder`
    is a subclass of `json.JSONEncoder`, for the claims and the headers. NaN and infinity are refused, and so are two
    names of members that are one in JSON, such as `1` and `"1"`. With `sort_headers=False` the headers stand in the
    order in which they were given, after `typ` and `alg`. A secret shorter than its hash is warned of, and with
    `enforce_minimum_key_length` refused.
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

    `options`: `require` (`["exp"]` unless told otherwise), `verify_signature`, `verify_exp`, `verify_nbf`,
    `verify_iat`, `verify_aud`, `verify_iss`, `verify_sub`, `verify_jti`, `strict_aud`, `typ`,
    `enforce_minimum_key_length`. `now` is for tests and replays; `token` is another name of `jwt`. A refusal is an
    `InvalidTokenError`, or an `InvalidKeyError` where the key is at fault; its `code` says why.
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
    """Checks claims that a subclass of `PyJWT` has decoded in its own way, from a payload that was verified."""

def jwt_check_options(options: Mapping[str, Any], *, verify: bool | None = None) -> None:
    """Refuses options that can't be meant, and warns of a `verify` that they contradict."""

def jws_check_options(options: Mapping[str, Any]) -> None:
    """Refuses options that a JWS doesn't have, or that can't be meant."""

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

    With `is_payload_detached`, or where the headers say `"b64": False`, the payload is left out of the token and isn't
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

    A token whose payload isn't encoded, RFC 7797, is refused unless `detached_payload` is given.
    """

def jws_verify_complete(
    token: str | bytes,
    key: Any = None,
    algorithms: Iterable[str] | None = None,
    detached_payload: bytes | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Verifies a token, unless the options say otherwise, and returns its `header`, `payload` and `signature`."""

def unverified_header(jwt: str | bytes) -> dict[str, Any]:
    """The header of a token, which nobody vouches for."""

# --- guards ------------------------------------------------------------------------------------------------------

@final
class Guard:
    """A rule that lets callers in or not, in three-valued logic; `&`, `|` and `~` make others of it.

    A name that can't be one raises `ConfigurationError`.
    """

    @staticmethod
    def allow_any() -> Guard:
        """Everybody, known or not."""

    @staticmethod
    def deny_all() -> Guard:
        """Nobody."""

    @staticmethod
    def authenticated() -> Guard:
        """Everybody whom a backend vouches for."""

    @staticmethod
    def staff() -> Guard:
        """The staff."""

    @staticmethod
    def admin() -> Guard:
        """The superusers."""

    @staticmethod
    def permission(name: str) -> Guard:
        """The holders of a permission."""

    @staticmethod
    def any_permission(names: Iterable[str]) -> Guard:
        """The holders of at least one of these permissions."""

    @staticmethod
    def all_permissions(names: Iterable[str]) -> Guard:
        """The holders of all these permissions."""

    @staticmethod
    def scope(name: str) -> Guard:
        """The holders of an OAuth scope."""

    @staticmethod
    def claim(
        name: str,
        any_of: Sequence[str | int | bool] | None,
        all_of: Sequence[str | int | bool] | None,
        none_of: Sequence[str | int | bool] | None,
    ) -> Guard:
        """The holders of a token that has this claim, with one of `any_of`, all of `all_of` and none of `none_of`,
        where these are not `None`. An empty list is refused.
        """

    @staticmethod
    def via_backend(name: str) -> Guard:
        """The callers whom this backend vouches for: `jwt` or `api_key`."""

    @staticmethod
    def check(name: str) -> Guard:
        """Known callers of whom a check of your own holds, which is asked by its name."""

    @staticmethod
    def parse(text: str) -> Guard:
        """Reads the text form, such as `authenticated & (perm("blog.add") | staff)`."""

    @staticmethod
    def from_json(document: str) -> Guard:
        """Reads what `to_json` wrote."""

    def to_json(self) -> str:
        """A JSON document with the text form and its version."""

    @staticmethod
    def all(guards: Sequence[Guard]) -> Guard:
        """The callers whom all of the guards let in."""

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
        """The names of the checks of your own that the guard asks."""

    @property
    def backends(self) -> list[str]:
        """The names of the backends that the guard asks for."""

    @property
    def opens_to_anonymous(self) -> bool:
        """Whether callers without an identity are let in."""

    def implies(self, other: Guard) -> bool:
        """Whether `other` lets everybody in whom this guard lets in. Exact, or `GuardTooLarge`."""

    def is_equivalent(self, other: Guard) -> bool:
        """Whether both guards answer alike: let in, 401 or 403. Exact, or `GuardTooLarge`."""

    def explain(self, context: AuthContext | None = None, answers: Mapping[str, bool] | None = None) -> Explanation:
        """Why the guard decides as it does for a caller, `None` for the anonymous one, given answers to its checks."""

@final
class Explanation:
    """Which parts of a guard held for a caller, which failed, and what is missing. Not for clients."""

    @property
    def decision(self) -> str:
        """The decision: `allow`, `undetermined`, `challenge` or `deny`."""

    def to_dict(self) -> dict[str, Any]:
        """The parts of the guard, each before those in it, and what is missing, as plain objects."""

# --- revocation --------------------------------------------------------------------------------------------------

@final
class MemoryRevocation:
    """Token ids that are revoked, in the memory of this process.

    Bounded: an entry is forgotten when its token could no longer be accepted, and a full store raises
    `RevocationStoreFull` instead of forgetting one that still could.
    """

    def __new__(cls, max_entries: int = 1_000_000) -> MemoryRevocation: ...
    def revoke(self, jti: str, ttl: _Seconds | None = None) -> None:
        """Revokes a token for the `ttl` seconds that it has left (and the leeway), or for good."""

    def is_revoked(self, jti: str) -> bool:
        """Whether the token is revoked."""

    def bind_leeway(self, leeway: _Seconds) -> None:
        """Notes that a backend with this leeway asks the store; entries outlive their token by the largest one."""

    def purge(self) -> int:
        """Forgets the tokens that are over, and says how many there were."""

    def __len__(self) -> int: ...

@final
class RevocationSentinel:
    """What this process remembers of a store that it shares with others, to notice when the store is emptied."""

    def __new__(cls) -> RevocationSentinel: ...
    def examine(self, found: int | None) -> tuple[str, int | None]:
        """What the mark that was found says, `"intact"`, `"lost"`, `"missing"` or `"outdated"`; for the last two also
        the mark to write."""

    def covering(self, found: int, lifetime: _Seconds | None) -> int | None:
        """The mark to write before an entry that is kept for so many seconds, or for good; `None` if the one that was
        found covers it."""

    @staticmethod
    def accepting_loss(found: int | None) -> int:
        """The mark that says that lost entries no longer matter."""

# --- backends and the gate ---------------------------------------------------------------------------------------

@final
class JwtBackend:
    """Authenticates by a JWT in a header. Everything is checked when it is built.

    What can't be used raises `ConfigurationError`, or `InvalidKeyError` and `InvalidAlgorithmError`.
    """

    def __new__(
        cls,
        *,
        keys: Sequence[Any],
        algorithms: Iterable[str],
        header: str = "authorization",
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
        external_revocation: bool = False,
        store_errors_allow: bool = False,
        cached_tokens: int = 0,
        remote_keys: RemoteKeys | None = None,
        external_accounts: int | None = None,
    ) -> JwtBackend:
        """`external_accounts` is a number for the accounts of another issuer, `AuthContext.account_source`."""

    @property
    def weak_secrets(self) -> list[str]:
        """The algorithms whose secret is shorter than their hash."""

    @property
    def cached_tokens(self) -> int:
        """How many verified tokens are kept at the moment."""

@final
class ApiKeyBackend:
    """Authenticates by an API key in a header. Only digests of the keys are kept."""

    def __new__(
        cls,
        *,
        api_keys: Iterable[str],
        key_permissions: Mapping[str, Iterable[str]] | None = None,
        header: str = "x-api-key",
        id_key: bytes | None = None,
        scheme: Sequence[str] | None = None,
    ) -> ApiKeyBackend:
        """`id_key` makes the public ids of the keys unguessable for those who have not got it."""

    @staticmethod
    def stored(
        store: ApiKeyStore,
        *,
        header: str = "x-api-key",
        store_errors_allow: bool = False,
        scheme: Sequence[str] | None = None,
    ) -> ApiKeyBackend:
        """Looks keys up in a store. A gate asks for the store to be brought up to date where it has to be; if that
        fails, `store_errors_allow` goes on with what was read before.
        """

    def with_id_key(self, id_key: bytes) -> ApiKeyBackend:
        """The same with public ids that can be told from the keys with this secret alone; those in a store have
        theirs.
        """

    @property
    def weak_keys(self) -> int:
        """How many of the keys are shorter than 16 bytes."""

# --- generated API keys ----------------------------------------------------------------------------------------

@final
class ApiKeyFormat:
    """The form of the keys of one site: `prefix_<id>_<secret><checksum>`."""

    def __new__(cls, prefix: str) -> ApiKeyFormat: ...
    @property
    def prefix(self) -> str:
        """The prefix, without the `_` after it."""

    @property
    def pattern(self) -> str:
        """A regular expression that finds the keys in any text, for a secret scanner."""

    def generate(self) -> GeneratedApiKey:
        """Makes a key."""

    def parse(self, key: str) -> str:
        """The public id of a key that somebody presents; `ValueError` if it has another form or is mistyped."""

@final
class GeneratedApiKey:
    """A key that was just made. Only `expose` shows it."""

    @property
    def id(self) -> str:
        """The public id, which is no secret."""

    def expose(self) -> str:
        """The key itself, to be shown to its owner once."""

    def digest(self, pepper: bytes) -> bytes:
        """What to keep in its place: the digest of the key by this secret of the server."""

@final
class StoredApiKey:
    """A key as a table holds it: everything but the key. Dates are seconds since the epoch."""

    def __new__(
        cls,
        id: str,
        digest: bytes,
        *,
        created: _Seconds,
        owner: str | None = None,
        permissions: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
        expires: _Seconds | None = None,
        revoked: _Seconds | None = None,
    ) -> StoredApiKey: ...
    @property
    def id(self) -> str:
        """The public id."""

@final
class ApiKeyUse:
    """The last use of a key, to be written down."""

    @property
    def id(self) -> str:
        """The public id of the key."""

    @property
    def at(self) -> int:
        """When, in whole seconds since the epoch."""

    @property
    def digest(self) -> bytes:
        """The digest as it was stored."""

    @property
    def new_digest(self) -> bytes | None:
        """The digest by the current secret, where the stored one was made with an old one."""

@final
class ApiKeyRefresh:
    """A refresh that has begun."""

@final
class ApiKeyStore:
    """Keys in memory. They are read without a lock, and brought up to date by whoever finds them out of date."""

    def __new__(cls, format: ApiKeyFormat, peppers: Sequence[bytes], *, refresh_interval: _Seconds) -> ApiKeyStore:
        """Keys of this form, whose digests were made with one of these secrets of the server, the current one first.
        What was read stays current for `refresh_interval` seconds.
        """

    @property
    def is_current(self) -> bool:
        """Whether the keys were read less than `refresh_interval` ago, and nothing is known to have changed since."""

    def note_change(self) -> None:
        """Notes that the table has changed, so that what is being read meanwhile will not pass for current."""

    def begin_refresh(self) -> ApiKeyRefresh:
        """Begins to bring the keys up to date; call it before you read the table."""

    def finish_refresh(self, refresh: ApiKeyRefresh) -> None:
        """Says that the keys are up to date as of the beginning of this refresh."""

    def replace(self, keys: Iterable[StoredApiKey]) -> None:
        """Replaces all keys."""

    def update(self, changed: Iterable[StoredApiKey], removed: Sequence[str]) -> None:
        """Adds or replaces these keys, and forgets those of the `removed` ids."""

    def take_uses(self) -> list[ApiKeyUse]:
        """The last use of each key that was used since this was last asked."""

    def __len__(self) -> int: ...

@final
class Gate:
    """Backends and a guard, compiled once for one route."""

    def __new__(cls, backends: Sequence[JwtBackend | ApiKeyBackend], guard: Guard) -> Gate: ...
    def check(self, meta: dict[str, Any]) -> AuthContext | Refusal | Pending | Conditional:
        """Decides on a request by its `META`. What a client sent never raises."""

    def check_caller(self, context: AuthContext | None) -> AuthContext | Refusal | Conditional:
        """Decides about a caller whom another gate has just identified, `None` for the anonymous one."""

    @property
    def guard(self) -> Guard:
        """The guard."""

    @property
    def opens_to_anonymous(self) -> bool:
        """Whether callers without an identity are let in."""

@final
class Pending:
    """Something outside of Rust has to be asked: a store, whether a token is revoked, the table of the API keys, or an
    issuer for its keys.
    """

    @property
    def jti(self) -> str | None:
        """The id of the token; `None` where keys have to be brought up to date."""

    @property
    def backend_index(self) -> int:
        """Which of the gate's backends asks."""

    @property
    def unknown_key(self) -> bool:
        """Whether the issuer's keys are needed for a token whose key is not among them."""

    def resume(self, answer: bool | ApiKeyBackend | None) -> AuthContext | Refusal | Pending | Conditional:
        """Goes on with the store's answer; `None` where it gave none. Once. For keys any answer means that they are
        up to date; a backend stands for the one that asked, for this request alone.
        """

@final
class Conditional:
    """The caller is known, and may pass if checks of your own hold, which the guard asks by name."""

    @property
    def context(self) -> AuthContext:
        """The caller, who is not let in yet."""

    def questions(self, answers: Mapping[str, bool] | None = None) -> list[str]:
        """The names of the checks that matter for this caller, given the answers so far."""

    def decide(self, answers: Mapping[str, bool], *, optimistic: bool = False) -> AuthContext | Refusal:
        """What becomes of the request, given these answers: a context, or a refusal. A check without an answer does not
        hold and does not fail, so a guard that still needs one refuses; with `optimistic`, it lets the caller in as
        long as some answer could.
        """

@final
class Refusal:
    """Why a request is refused, ready to be answered."""

    @property
    def status(self) -> int:
        """The HTTP status: 401, 403 or 503."""

    @property
    def code(self) -> str:
        """The code that the client is told."""

    @property
    def reason(self) -> str:
        """The precise cause, for logs."""

    @property
    def claim(self) -> str | None:
        """The claim at fault, for logs, where the reason doesn't say which it is."""

    @property
    def detail(self) -> str:
        """The sentence that the client is told."""

    @property
    def challenge(self) -> str | None:
        """The value of `WWW-Authenticate`."""

    @property
    def retry_after(self) -> int | None:
        """The value of `Retry-After`, in seconds, where it is known."""

    @property
    def body(self) -> bytes:
        """The body, JSON."""

# Registered with `collections.abc.Mapping` at run time; saying so here lets it be passed as one.
@final
class AuthContext(Mapping[str, Any]):
    """Who makes a request: `request.context`.

    A read-only mapping of `user_id`, `is_staff`, `is_superuser`, `auth_backend`, `permissions`, for a token also
    `auth_claims`, and where a bad credential was let in as anonymous also `auth_error`. The claims become Python
    objects when they are read.
    """

    @property
    def user_id(self) -> str | None:
        """The id of the user, as text; `None` for the anonymous caller."""

    @property
    def account(self) -> str | None:
        """The id of the local account behind the credential: none for an API key without an owner, and for a token of
        another issuer.
        """

    @property
    def account_source(self) -> int | None:
        """The number of the accounts that the token is about, if they are another issuer's."""

    @property
    def issuer(self) -> str | None:
        """The issuer that the token names."""

    @property
    def api_key_id(self) -> str | None:
        """The public id of the API key."""

    @property
    def is_authenticated(self) -> bool:
        """Whether a backend vouches for the caller."""

    @property
    def is_staff(self) -> bool:
        """Whether the credential says that the caller is of the staff."""

    @property
    def is_superuser(self) -> bool:
        """Whether the credential says that the caller is a superuser."""

    @property
    def auth_backend(self) -> str | None:
        """The backend that vouches: `jwt` or `api_key`."""

    @property
    def permissions(self) -> list[str]:
        """What the caller is granted, wildcards included."""

    @property
    def jti(self) -> str | None:
        """The id of the token, by which it can be revoked."""

    @property
    def expires_in(self) -> float | None:
        """Seconds until the token expires; `None` where it never does."""

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or `default`."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __sentry_repr__(self) -> str:
        """What error reporters of Sentry show where they would otherwise list the items of a mapping."""

# --- minting -----------------------------------------------------------------------------------------------------

@final
class Minter:
    """Issues tokens signed with one key, which is read once."""

    def __new__(cls, key: Any, algorithm: str, *, kid: str | None = None, typ: str = "JWT") -> Minter: ...
    def mint(
        self,
        subject: str,
        expires_in: _Seconds,
        claims: Mapping[str, Any],
        *,
        now: _Seconds | None = None,
    ) -> str:
        """A token about `subject` that lives for `expires_in` seconds, with these claims besides `sub`, `iat`, `exp`
        and `jti`, which they can't replace.
        """

    @property
    def algorithm(self) -> str:
        """The algorithm."""
