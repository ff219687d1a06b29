"""`token_for`: tokens that a backend of the site accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from warnings import catch_warnings, simplefilter

from boltguard import _rust, clock, conf, jwt
from boltguard.auth.accounts import ByField
from boltguard.auth.backends import Authentication, check_backends
from boltguard.auth.jwt_backend import JWTAuthentication
from boltguard.auth.renewed_revocation import note_issued
from boltguard.auth.secret_box import SecretBox
from boltguard.auth.signing_keys import SigningKeys
from boltguard.auth.tokens import claims_of, subject_of
from boltguard.exceptions import InsecureKeyLengthWarning, PyJWTError
from boltguard.messages import kind_of, shown_algorithm
from boltguard.optional import ImproperlyConfigured
from boltguard.testing.claims import Lifetime, issued_now, without_none


def token_for(
    user: Any,
    *,
    backend: JWTAuthentication | None = None,
    signing_key: Any = None,
    expires_in: Lifetime = 3600,
    **claims: Any,
) -> str:
    """A token for a saved user that `backend` accepts; by default, the first `JWTAuthentication` of the settings.

    It has the claims of `create_jwt_for_user`, and the issuer, the audience, the type and the claims that the backend
    requires. `claims` replace any of them; a claim that is `None` is omitted. With a negative `expires_in`, the token
    has expired. A backend with public keys requires the private one as `signing_key`.

    Raises `ImproperlyConfigured` if no token for the user can be signed that the backend would accept.
    """
    box = SecretBox(signing_key)
    del signing_key
    accepting = _jwt_backend(backend)
    subject = subject_of(user)
    note_issued(subject)
    expected = {**claims_of(user, None, None, {}), **issued_now(expires_in), **_expected(accepting, user, subject)}
    token = _signed(accepting, without_none({**expected, **claims}), box)
    # Otherwise, the test may want a token that isn't accepted.
    if not claims and expected["exp"] > clock.time():
        _refuse_unaccepted(accepting, token)
    return token


def default_backend() -> Authentication:
    """The first `JWTAuthentication` of the settings or, if there is none, the first backend."""
    backends = check_backends(conf.current().authentication, conf.written(conf.AUTHENTICATION))
    found = [one for one in backends if isinstance(one, JWTAuthentication)] or backends
    if not found:
        raise ImproperlyConfigured(f"{conf.written(conf.AUTHENTICATION)} is empty. Pass backend=.")
    return found[0]


def _jwt_backend(backend: Any) -> JWTAuthentication:
    found = default_backend() if backend is None else backend
    if not isinstance(found, JWTAuthentication):
        what = f"backend is {kind_of(backend)}" if backend is not None else "The settings have no JWTAuthentication"
        raise ImproperlyConfigured(f"{what}. Pass the JWTAuthentication that accepts the token as backend=.")
    if found.is_remote:
        raise ImproperlyConfigured(
            f"{found!r} accepts tokens of another issuer. In tests, use the keys of a FakeIssuer, and its token()."
        )
    return found


def _expected(backend: JWTAuthentication, user: Any, subject: str) -> dict[str, Any]:
    """The claims that depend on the backend."""
    addressed = {claim: next(iter(backend.setting(name) or ()), None) for claim, name in ADDRESSES.items()}
    required = {name: values[0] for name, values in backend.setting("claims") or ()}
    not_before = {"nbf": int(clock.time())} if "nbf" in backend.setting("required_claims") else {}
    identifier = str(getattr(user, backend.lookup.name)) if isinstance(backend.lookup, ByField) else subject
    return {"sub": subject, **addressed, **not_before, **required, backend.setting("user_id_claim"): identifier}


def _signed(backend: JWTAuthentication, claims: Mapping[str, Any], signing_key: SecretBox[Any]) -> str:
    typ = backend.setting("typ")
    given = [(signing_key, None)] if signing_key.value is not None else list(_signing_keys(backend))
    for key, kid in given:
        headers = without_none({"typ": typ, "kid": kid})
        for algorithm in backend.algorithms:
            with suppress(PyJWTError, TypeError, ValueError), catch_warnings():
                # The backend has already issued it.
                simplefilter("ignore", InsecureKeyLengthWarning)
                return jwt.encode(claims, key.value, algorithm, headers)
    names = ", ".join(map(shown_algorithm, backend.algorithms))
    raise ImproperlyConfigured(
        f"The keys of {backend!r} can't sign with {names}. Pass the private key that belongs to one of them as "
        "signing_key=."
    )


def _signing_keys(backend: JWTAuthentication) -> Iterator[tuple[SecretBox[Any], str | None]]:
    """The keys of a backend that may be able to sign, each with its `kid`."""
    for key in backend.signing_keys().value:
        if isinstance(key, SigningKeys):
            yield key.signing_key()
        else:
            yield SecretBox(key), key.kid if isinstance(key, jwt.Key) else None


def _refuse_unaccepted(backend: JWTAuthentication, token: str) -> None:
    meta = backend.meta_with(token)
    del token
    outcome = _rust.Gate([backend.rust], _rust.Guard.allow_any()).check(meta)
    del meta
    if isinstance(outcome, _rust.AuthContext) and not outcome.is_authenticated:
        raise ImproperlyConfigured(
            f"{backend!r} doesn't accept the token ({outcome.get('auth_error')}). Pass the claims that it requires, or "
            "the private key that belongs to one of its keys as signing_key=."
        )


# The claims with an argument of the backend that is a list.
ADDRESSES = {"iss": "issuer", "aud": "audience"}
