"""Tokens in Python: decoding, issuing, checking with a gate, and rejection."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import joserfc.jwt
import jwt as pyjwt
import oxyjwt
import webtoken
from claims import SECRET, claims, private_pem, public_pem
from contest import Contest, Remote
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from boltguard import _rust
from boltguard import jwt as ours

# It warns that the algorithm name EdDSA is deprecated in favour of Ed25519.
warnings.filterwarnings("ignore", module="joserfc")

ASYMMETRIC = ("RS256", "ES256", "EdDSA", "ES512")


def plans(older: Remote, engine: Remote | None) -> Iterator[tuple[str, Callable[[], Contest]]]:
    yield "python/decode/HS256", lambda: decode_hs256(older)
    for algorithm in ASYMMETRIC:
        yield f"python/decode/{algorithm}", lambda algorithm=algorithm: decode(algorithm, engine)
    yield "python/mint/HS256", lambda: mint_hs256(older)
    for algorithm in ASYMMETRIC:
        yield f"python/mint/{algorithm}", lambda algorithm=algorithm: mint(algorithm)
    yield "python/gate/HS256", lambda: gate_hs256(older)
    for algorithm in ASYMMETRIC:
        yield f"python/gate/{algorithm}", lambda algorithm=algorithm: gate(algorithm, engine)
    yield "python/refuse/HS256", refuse


DECODE = "decode(token, key, algorithms)"


def decode_hs256(older: Remote) -> Contest:
    token = pyjwt.encode(claims(), SECRET, "HS256")
    names = {"token": token, "algorithms": ["HS256"]}
    return (
        Contest("python/decode/HS256")
        .add("PyJWT", DECODE, decode=pyjwt.decode, key=SECRET, **names)
        .timed("PyJWT 2.13", older.entrant("decode", ""))
        .add("joserfc", DECODE, decode=joserfc_decode, key=OctKey.import_key(SECRET), **names)
        .add("webtoken", DECODE, decode=webtoken.decode, key=SECRET, **names)
        .add("oxyjwt", DECODE, decode=oxyjwt.decode, key=SECRET, **names)
        .add("oxyjwt, key ready", DECODE, decode=oxyjwt.decode, key=oxyjwt.DecodingKey.from_secret(SECRET), **names)
        .add("boltguard", DECODE, decode=ours.decode, key=SECRET, **names)
        .add("boltguard, key ready", DECODE, decode=ours.decode, key=ours.Key.from_secret(SECRET), **names)
    )


def decode(algorithm: str, engine: Remote | None) -> Contest:
    """Measure decoding with prepared keys, because parsing PEM takes longer than verifying a signature."""
    pem = public_pem(algorithm)
    names = {"token": token_of(algorithm), "algorithms": [algorithm]}
    contest = Contest(f"python/decode/{algorithm}")
    key = serialization.load_pem_public_key(pem.encode())
    contest.add("PyJWT", DECODE, decode=pyjwt.decode, key=key, **names)
    contest.add("joserfc", DECODE, decode=joserfc_decode, key=joserfc_key(algorithm, pem), **names)
    contest.add("webtoken", DECODE, decode=webtoken.decode, key=pem, **names)
    if algorithm != "ES512":
        contest.add("oxyjwt", DECODE, decode=oxyjwt.decode, key=oxyjwt_decoding_key(algorithm, pem), **names)
    contest.add("boltguard", DECODE, decode=ours.decode, key=ours.Key.from_pem(pem), **names)
    contest.add("boltguard, PEM", DECODE, decode=ours.decode, key=pem, **names)
    if engine is not None:
        contest.timed(f"{raw(algorithm)}, in Rust", engine.entrant(f"verify/{algorithm}/10", raw(algorithm)))
    return contest


def mint_hs256(older: Remote) -> Contest:
    """Measure encoding, without webtoken, which prints to standard output at each call."""
    names = {"claims": claims()}
    contest = Contest("python/mint/HS256")
    contest.add("PyJWT", ENCODE, encode=pyjwt.encode, key=SECRET, algorithm="HS256", **names)
    contest.timed("PyJWT 2.13", older.entrant("encode", ""))
    key = OctKey.import_key(SECRET)
    contest.add("joserfc", ENCODE, encode=joserfc_encode, key=key, algorithm="HS256", **names)
    contest.add("oxyjwt", ENCODE, encode=oxyjwt.encode, key=SECRET, algorithm="HS256", **names)
    return contest.add("boltguard", ENCODE, encode=ours.encode, key=SECRET, algorithm="HS256", **names)


ENCODE = "encode(claims, key, algorithm)"


def mint(algorithm: str) -> Contest:
    pem = private_pem(algorithm)
    names = {"claims": claims(), "algorithm": algorithm}
    contest = Contest(f"python/mint/{algorithm}")
    key = serialization.load_pem_private_key(pem.encode(), None)
    contest.add("PyJWT", ENCODE, encode=pyjwt.encode, key=key, **names)
    contest.add("joserfc", ENCODE, encode=joserfc_encode, key=joserfc_key(algorithm, pem), **names)
    if algorithm != "ES512":
        contest.add("oxyjwt", ENCODE, encode=oxyjwt.encode, key=oxyjwt_encoding_key(algorithm, pem), **names)
    return contest.add("boltguard", ENCODE, encode=ours.encode, key=ours.Key.from_pem(pem), **names)


def gate_hs256(older: Remote) -> Contest:
    """Measure a gate with a guard and a revocation list, compared with only decoding in other libraries."""
    token = pyjwt.encode(claims(), SECRET, "HS256")
    names = {"token": token, "key": SECRET, "algorithms": ["HS256"]}
    return (
        Contest("python/gate/HS256")
        .add("PyJWT", DECODE, decode=pyjwt.decode, **names)
        .timed("PyJWT 2.13", older.entrant("decode", ""))
        .add("oxyjwt", DECODE, decode=oxyjwt.decode, **names)
        .add("boltguard", CHECK, check=gate_of("HS256", SECRET).check, meta=meta(token))
    )


def gate(algorithm: str, engine: Remote | None) -> Contest:
    """Measure a gate with other algorithms, compared with only the verification in Rust, in a separate process."""
    contest = Contest(f"python/gate/{algorithm}")
    own = gate_of(algorithm, ours.Key.from_pem(public_pem(algorithm)))
    if engine is not None:
        contest.timed(f"{raw(algorithm)}, in Rust", engine.entrant(f"verify/{algorithm}/10", raw(algorithm)))
        contest.timed("boltguard, in Rust", engine.entrant(f"verify/{algorithm}/10", "boltguard"))
    return contest.add("boltguard", CHECK, check=own.check, meta=meta(token_of(algorithm)))


CHECK = "check(meta)"


def refuse() -> Contest:
    valid = pyjwt.encode(claims(), SECRET, "HS256")
    forged = pyjwt.encode(claims(), SECRET[::-1], "HS256")
    expired = pyjwt.encode({**claims(), "exp": 1_000_000_000}, SECRET, "HS256")
    gate = gate_of("HS256", SECRET)
    assert all(isinstance(gate.check(meta(token)), _rust.Refusal) for token in (forged, expired, "no.to.ken"))
    return (
        Contest("python/refuse/HS256")
        .add("boltguard, admitted", CHECK, check=gate.check, meta=meta(valid))
        .add("boltguard", CHECK, check=gate.check, meta=meta(forged))
        .add("boltguard, expired", CHECK, check=gate.check, meta=meta(expired))
        .add("boltguard, no token", CHECK, check=gate.check, meta=meta("no.to.ken"))
        .add("boltguard.jwt", "refuse()", refuse=rejecting(ours.decode, forged, ours.InvalidTokenError))
        .add("oxyjwt", "refuse()", refuse=rejecting(oxyjwt.decode, forged, oxyjwt.InvalidTokenError))
        .add("PyJWT", "refuse()", refuse=rejecting(pyjwt.decode, forged, pyjwt.InvalidTokenError))
    )


def rejecting(decode: Callable[..., Any], token: str, error: type[Exception]) -> Callable[[], None]:
    algorithms = ["HS256"]

    def refuse() -> None:
        try:
            decode(token, SECRET, algorithms)
        except error:
            return
        raise AssertionError("the token was accepted")

    refuse()
    return refuse


def gate_of(algorithm: str, key: Any) -> _rust.Gate:
    """Return a gate with a revocation list and a guard."""
    store = _rust.MemoryRevocation()
    store.revoke("another", 3600)
    backend = _rust.JwtBackend(keys=[key], algorithms=[algorithm], memory_revocation=store)
    guard = _rust.Guard.authenticated() & _rust.Guard.permission("shop.change_model001")
    gate = _rust.Gate([backend], guard)
    admitted = gate.check(meta(token_of(algorithm)))
    assert isinstance(admitted, _rust.AuthContext) and admitted.user_id == "42", admitted
    return gate


def meta(token: str) -> dict[str, Any]:
    """Return `META` of a request, as provided by a WSGI server."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "application/json",
        "HTTP_USER_AGENT": "bench",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "QUERY_STRING": "",
    }


def token_of(algorithm: str) -> str:
    key = SECRET if algorithm == "HS256" else ours.Key.from_pem(private_pem(algorithm))
    return ours.encode(claims(), key, algorithm)


def raw(algorithm: str) -> str:
    return "p521" if algorithm == "ES512" else "ring"


def joserfc_key(algorithm: str, pem: str) -> Any:
    types: dict[str, Any] = {"RS256": RSAKey, "EdDSA": OKPKey}
    return types.get(algorithm, ECKey).import_key(pem)


REGISTRY = joserfc.jwt.JWTClaimsRegistry(exp={"essential": True})


def joserfc_decode(token: str, key: Any, algorithms: list[str]) -> dict[str, Any]:
    decoded = joserfc.jwt.decode(token, key, algorithms)
    REGISTRY.validate(decoded.claims)
    return decoded.claims


def joserfc_encode(claims: dict[str, Any], key: Any, algorithm: str) -> str:
    return joserfc.jwt.encode({"alg": algorithm, "typ": "JWT"}, claims, key, [algorithm])


def oxyjwt_decoding_key(algorithm: str, pem: str) -> oxyjwt.DecodingKey:
    parsers = {"RS256": oxyjwt.DecodingKey.from_rsa_pem, "EdDSA": oxyjwt.DecodingKey.from_ed_pem}
    return parsers.get(algorithm, oxyjwt.DecodingKey.from_ec_pem)(pem)


def oxyjwt_encoding_key(algorithm: str, pem: str) -> oxyjwt.EncodingKey:
    parsers = {"RS256": oxyjwt.EncodingKey.from_rsa_pem, "EdDSA": oxyjwt.EncodingKey.from_ed_pem}
    return parsers.get(algorithm, oxyjwt.EncodingKey.from_ec_pem)(pem)
