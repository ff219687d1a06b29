"""`Gate` and its results, called as in the Django package."""

import collections.abc
import gc
import json
import pickle
import sys
import threading
import time
import uuid

import pytest

from boltguard import _rust, jwt
from boltguard.exceptions import ConfigurationError, GuardTooLarge, RevocationStoreFull
from boltguard.jwt import Key, KeySet

SECRET = "a secret that is longer than sixty-four bytes, so that it is one for HS512 as well"
Guard = _rust.Guard


def bearer(claims=None, key=SECRET, algorithm="HS256", **more):
    claims = {"sub": "42", "exp": time.time() + 3600, "jti": "j", **(claims or {}), **more}
    return {"HTTP_AUTHORIZATION": f"Bearer {jwt.encode(claims, key, algorithm=algorithm)}"}


def backend(keys=SECRET, algorithms=("HS256",), **settings):
    return _rust.JwtBackend(keys=keys if isinstance(keys, list) else [keys], algorithms=list(algorithms), **settings)


def gate(*backends, guard=None):
    return _rust.Gate(list(backends or [backend()]), guard or Guard.authenticated())


# --- the context -----------------------------------------------------------------------------------------------------


def test_a_context_is_a_mapping_of_what_is_known():
    claims = {"is_staff": True, "permissions": ["a.b", 5, "c.*"], "scope": "read a.b", "nested": {"a": [2**70]}}
    context = gate().check(bearer(claims))
    assert isinstance(context, collections.abc.Mapping) and isinstance(context, _rust.AuthContext)
    assert list(context) == ["user_id", "is_staff", "is_superuser", "auth_backend", "permissions", "auth_claims"]
    assert (context["user_id"], context["is_staff"], context["is_superuser"]) == ("42", True, False)
    assert context["permissions"] == ["a.b", "c.*", "read"] and context["auth_backend"] == "jwt"
    assert context["auth_claims"]["nested"] == {"a": [2**70]} and context["auth_claims"] == context["auth_claims"]
    assert dict(context) == context == {**context} and len(context) == 6
    assert set(context.keys()) & {"user_id", "x"} == {"user_id"} and ("is_staff", True) in context.items()
    assert list(context.values())[:2] == ["42", True]
    match context:
        case {"user_id": found}:
            assert found == "42"


def test_a_context_knows_no_other_keys_and_can_not_be_changed():
    context = gate().check(bearer())
    for key in ("jti", "", "auth_error", 5, None, ("user_id",), "\ud800"):
        assert key not in context and context.get(key) is None and context.get(key, 7) == 7
        with pytest.raises(KeyError):
            context[key]
    with pytest.raises(TypeError):
        context["user_id"] = "1"
    with pytest.raises(AttributeError):
        context.user_id = "1"
    with pytest.raises(TypeError):
        hash(context)
    with pytest.raises(TypeError):
        pickle.dumps(context)


def test_nothing_shows_a_credential_or_what_it_says_of_a_person():
    keys = _rust.ApiKeyBackend(api_keys=["sk-hidden"], key_permissions={"sk-hidden": ["hidden"]})
    meta = bearer(sub="hidden-user", email="hidden", permissions=["hidden.*"], jti="hidden")
    for value in meta.values():
        token = value.removeprefix("Bearer ")
    context = gate().check(meta)
    pending = gate(backend(external_revocation=True)).check(meta)
    conditional = gate(guard=Guard.check("owner")).check(meta)
    by_key = gate(keys).check({"HTTP_X_API_KEY": "sk-hidden"})
    explained = Guard.permission("blog.add").explain(context)
    refusal = gate(guard=Guard.deny_all()).check(meta)
    for shown in (context, pending, conditional, conditional.context, by_key, explained, refusal, keys, backend()):
        for text in (repr(shown), str(shown), f"{shown}"):
            assert "hidden" not in text and not any(part in text for part in token.split(".")), text
    assert repr(context) == "<AuthContext: authenticated via 'jwt'>"
    assert repr(by_key) == "<AuthContext: authenticated via 'api_key'>"
    assert repr(gate(guard=Guard.allow_any()).check({})) == "<AuthContext: anonymous>"


def test_what_a_context_says_besides():
    context = gate().check(bearer(jti="abc"))
    assert context.jti == "abc" and context.is_authenticated and 0 < context.expires_in < 3601
    forever = gate(backend(required_claims=[])).check(bearer({"exp": 1e15}))
    assert forever.expires_in > 1e14
    anonymous = gate(guard=Guard.allow_any()).check({})
    assert (anonymous.user_id, anonymous.jti, anonymous.expires_in, anonymous.is_authenticated) == (
        None,
        None,
        None,
        False,
    )
    assert dict(anonymous) == {
        "user_id": None,
        "is_staff": False,
        "is_superuser": False,
        "auth_backend": None,
        "permissions": [],
    }


def test_public_view_receives_the_reason_of_invalid_credentials():
    context = gate(guard=Guard.allow_any()).check(bearer(key="another" * 10))
    assert context["auth_error"] == "signature_invalid" and context["user_id"] is None


def test_user_id_can_be_in_another_claim():
    for claim in (7, "7"):
        assert gate(backend(user_id_claim="uid")).check(bearer(uid=claim)).user_id == "7"
    for claims in ({}, {"uid": 1.5}, {"uid": None}, {"uid": [1]}):
        assert gate(backend(user_id_claim="uid")).check(bearer(claims)).status == 401


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "status", "code", "reason"),
    [
        ({}, 401, "not_authenticated", "not_authenticated"),
        ({"HTTP_AUTHORIZATION": "Basic abc"}, 401, "not_authenticated", "scheme_unsupported"),
        ({"HTTP_AUTHORIZATION": b"Bearer abc"}, 401, "not_authenticated", "not_authenticated"),
        ({"HTTP_AUTHORIZATION": None}, 401, "not_authenticated", "not_authenticated"),
        ({"HTTP_AUTHORIZATION": "Bearer \ud800"}, 401, "not_authenticated", "not_authenticated"),
        ({"HTTP_AUTHORIZATION": "Bearer"}, 401, "invalid_token", "token_malformed"),
        ({"HTTP_AUTHORIZATION": "bearer  a.b.c"}, 401, "invalid_token", "token_malformed"),
        (bearer(exp=1), 401, "token_expired", "token_expired"),
        (bearer(nbf=4_000_000_000), 401, "token_not_yet_valid", "token_not_yet_valid"),
        (bearer(aud="x"), 401, "invalid_token", "audience_mismatch"),
    ],
)
def test_refusals_are_returned_and_never_raised(meta, status, code, reason):
    refusal = gate().check(meta)
    assert isinstance(refusal, _rust.Refusal)
    assert (refusal.status, refusal.code, refusal.reason) == (status, code, reason)
    assert json.loads(refusal.body) == {"detail": refusal.detail, "code": code}
    assert refusal.challenge.startswith('Bearer realm="api"')


def test_a_known_caller_who_may_not_is_forbidden():
    refusal = gate(guard=Guard.permission("blog.add")).check(bearer())
    assert (refusal.status, refusal.reason) == (403, "permission_missing")


# --- backends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"header": "x y"},
        {"header": ""},
        {"audience": []},
        {"issuer": []},
        {"audience": ["shop", ""]},
        {"issuer": [""]},
        {"typ": ""},
        {"keys": []},
        {"algorithms": ["HS256", "RS256"]},
        {"cached_tokens": 10},
        {"cached_tokens": 2**31, "keys": Key.generate("EdDSA").public_key(), "algorithms": ["EdDSA"]},
    ],
)
def test_a_setting_that_can_not_work_is_refused_when_it_is_built(settings):
    with pytest.raises(ConfigurationError):
        backend(**settings)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes")
@pytest.mark.parametrize(
    "settings", [{"audience": 5}, {"leeway": "5"}, {"claims": [("a", 5)]}, {"cached_tokens": "5"}, {"header": 5}]
)
def test_a_setting_of_the_wrong_type_is_named_in_a_note_of_the_error(settings):
    with pytest.raises(TypeError) as caught:
        backend(**settings)
    assert caught.value.__notes__ == [f"while processing '{name}'" for name in settings]


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'leewy'"):
        backend(leewy=5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"algorithms": ["rs256"]}, 'did you mean "RS256"'),
        ({"algorithms": []}, "algorithms must not be empty"),
        ({"keys": "-----BEGIN PUBLIC KEY-----"}, "secret"),
        ({"keys": ""}, "empty"),
        ({"keys": Key.generate("ES256"), "algorithms": ["ES256"]}, "private"),
        ({"keys": Key.generate("ES256").public_key()}, "another type of key"),
        ({"keys": [SECRET, 5]}, "int"),
    ],
)
def test_unusable_key_or_algorithm_is_a_configuration_error(settings, words):
    with pytest.raises((jwt.InvalidKeyError, jwt.InvalidAlgorithmError), match=words):
        backend(**settings)


def test_an_invalid_credential_for_one_backend_does_not_stop_the_next():
    keys = _rust.ApiKeyBackend(api_keys={"sk-1"}, key_permissions={"sk-1": {"a.b"}})
    both = gate(backend(), keys, guard=Guard.permission("a.b"))
    context = both.check({"HTTP_AUTHORIZATION": "Bearer bad", "HTTP_X_API_KEY": "sk-1"})
    assert context.auth_backend == "api_key" and context.user_id.startswith("apikey:") and "sk-1" not in repr(context)
    assert "auth_claims" not in context and context["permissions"] == ["a.b"]
    assert both.check({"HTTP_AUTHORIZATION": "Bearer bad", "HTTP_X_API_KEY": "sk-2"}).reason == "token_malformed"
    assert both.check(bearer(permissions=["a.*"])).auth_backend == "jwt"


def test_cached_token_is_checked_except_its_signature():
    old, new = (Key.generate("EdDSA", kid=kid) for kid in ("old", "new"))
    keys, memory = KeySet([old.public_key()]), _rust.MemoryRevocation()
    keeping = backend(keys, ["EdDSA"], cached_tokens=10, memory_revocation=memory)
    reader, writer = gate(keeping, guard=Guard.permission("a.b")), gate(keeping, guard=Guard.permission("a.c"))
    token = bearer({"permissions": ["a.b"], "nested": {"a": [2**70]}}, old, "EdDSA")
    first, again = reader.check(token), reader.check(token)
    assert keeping.cached_tokens == 1 and dict(first) == dict(again)
    assert again["auth_claims"]["nested"] == {"a": [2**70]}
    assert writer.check(token).status == 403
    memory.revoke("j")
    assert reader.check(token).reason == "token_revoked"
    keys.replace(KeySet([new.public_key()]))
    assert keeping.cached_tokens == 0 and reader.check(token).status == 401


def test_short_secrets_are_reported():
    assert backend("s" * 40, ["HS256", "HS384"]).weak_secrets == ["HS384"]
    assert backend().weak_secrets == []


def test_api_keys_that_can_not_work_are_refused():
    for keys in ({""}, {"a b "}, {"é"}, []):
        with pytest.raises(ConfigurationError):
            _rust.ApiKeyBackend(api_keys=keys)
    with pytest.raises(ConfigurationError):
        _rust.ApiKeyBackend(api_keys={"a"}, key_permissions={"b": {"x"}})
    for keys in ("k1", {1}, 5):
        with pytest.raises(TypeError):
            _rust.ApiKeyBackend(api_keys=keys)


def test_replaced_keys_reach_every_gate():
    old, new = Key.generate("EdDSA", kid="old"), Key.generate("EdDSA", kid="new")
    keys = KeySet([old.public_key()])
    gates = [gate(backend([keys, SECRET], ["EdDSA", "HS256"])) for _ in range(3)]
    gc.collect()
    assert all(one.check(bearer(key=old, algorithm="EdDSA")).user_id == "42" for one in gates)
    keys.replace(KeySet([new.public_key()]))
    for one in gates:
        assert one.check(bearer(key=new, algorithm="EdDSA")).user_id == "42"
        assert one.check(bearer(key=old, algorithm="EdDSA")).reason == "key_not_found"
        assert one.check(bearer()).user_id == "42"


def test_a_key_of_an_algorithm_that_is_not_allowed_is_not_tried():
    key = Key.generate("ES256", kid="a")
    other = Key.generate("EdDSA", kid="b")
    one = gate(backend(KeySet([key.public_key(), other.public_key()]), ["EdDSA"]))
    assert one.check(bearer(key=key, algorithm="ES256")).reason == "algorithm_not_allowed"
    assert one.check(bearer(key=other, algorithm="EdDSA")).user_id == "42"


@pytest.mark.parametrize("algorithm", ["ES384", "ES512"])
def test_long_verifications_let_other_threads_run(algorithm):
    key = Key.generate(algorithm)
    one, meta, ticks = gate(backend(key.public_key(), [algorithm])), bearer(key=key, algorithm=algorithm), []
    thread = threading.Thread(target=lambda: ticks.extend(range(1000)))
    thread.start()
    assert all(one.check(meta).user_id == "42" for _ in range(20))
    thread.join()
    assert len(ticks) == 1000


# --- revocation ------------------------------------------------------------------------------------------------------


def test_in_memory_store_is_checked_in_the_same_call():
    store = _rust.MemoryRevocation()
    one = gate(backend(memory_revocation=store))
    assert one.check(bearer(jti="a")).user_id == "42"
    store.revoke("a", 60)
    assert one.check(bearer(jti="a")).reason == "token_revoked"
    assert one.check({"HTTP_AUTHORIZATION": bearer(jti=None)["HTTP_AUTHORIZATION"]}).status == 401


def test_an_external_store_is_queried_in_between():
    one = gate(backend(external_revocation=True), _rust.ApiKeyBackend(api_keys={"sk-1"}))
    meta = bearer(jti="abc")
    pending = one.check(meta)
    assert isinstance(pending, _rust.RevocationCheck) and (pending.jti, pending.backend_index) == ("abc", 0)
    assert pending.done(False).user_id == "42"
    with pytest.raises(RuntimeError):
        pending.done(False)
    assert one.check(meta).done(True).reason == "token_revoked"
    assert one.check(meta).unavailable().status == 503
    assert one.check({**meta, "HTTP_X_API_KEY": "sk-1"}).done(True).reason == "token_revoked"
    lenient = gate(backend(external_revocation=True, store_errors_allow=True))
    assert lenient.check(meta).unavailable().user_id == "42"


def test_a_token_stays_in_the_store_as_long_as_the_largest_leeway():
    store = _rust.MemoryRevocation()
    one = gate(backend(memory_revocation=store, leeway=3600))
    store.revoke("late", -1800)
    assert one.check(bearer(exp=time.time() - 1800, jti="late")).reason == "token_revoked"
    assert store.is_revoked("late") and len(store) == 1 and store.purge() == 0


def test_a_full_store_raises_and_forgets_nothing():
    store = _rust.MemoryRevocation(max_entries=2)
    store.revoke("a")
    store.revoke("b", 60)
    with pytest.raises(RevocationStoreFull) as caught:
        store.revoke("c", 60)
    assert caught.value.code == "revocation_unavailable" and store.is_revoked("a") and store.is_revoked("b")
    with pytest.raises(ValueError, match="max_entries"):
        _rust.MemoryRevocation(0)


# --- guards ----------------------------------------------------------------------------------------------------------


def test_guards_are_values_that_read_back():
    guard = Guard.authenticated() & (Guard.permission("blog.add") | Guard.staff()) & ~Guard.permission("blog.banned")
    assert Guard.parse(str(guard)) == guard and hash(Guard.parse(str(guard))) == hash(guard)
    assert guard != Guard.staff() and str(guard) in repr(guard)
    assert guard.implies(Guard.authenticated()) and not Guard.authenticated().implies(guard)
    assert (guard & guard).is_equivalent(guard)


def test_a_guard_that_can_not_be_read_points_at_the_place():
    with pytest.raises(ConfigurationError) as caught:
        Guard.parse('authenticated & permm("x")')
    assert "column 17" in str(caught.value) and "did you mean `perm`" in str(caught.value)
    for make in (
        lambda: Guard.permission("a b"),
        lambda: Guard.permission("blog.*"),
        lambda: Guard.any_permission([]),
        lambda: Guard.all([]),
        lambda: Guard.scope(""),
    ):
        with pytest.raises(ConfigurationError):
            make()
    with pytest.raises(TypeError):
        Guard.any_permission("blog.add")


def test_a_guard_too_large_to_compare_says_so():
    guard = Guard.all([Guard.permission(f"a.b{number}") for number in range(40)])
    with pytest.raises(GuardTooLarge):
        (guard | ~guard).implies(Guard.staff() & guard)


def test_a_guard_explains_itself():
    guard = Guard.permission("blog.add") | Guard.staff()
    context = gate().check(bearer())
    explained = guard.explain(context)
    assert explained.decision == "deny" and 'perm("blog.add")' in str(explained)
    assert explained.to_dict()["missing"]["kind"] == "grants"
    assert guard.explain(None).decision == "challenge"


# --- minting ---------------------------------------------------------------------------------------------------------


def test_a_minted_token_is_admitted():
    key = Key.generate("ES256", kid="2026")
    minter = _rust.Minter(key, "ES256", typ="at+jwt")
    token = minter.mint("42", 60, {"tenant": uuid.UUID(int=5), "permissions": {"b", "a"}})
    claims = jwt.decode(token, key.public_key(), ["ES256"], options={"typ": "at+jwt"})
    assert (claims["sub"], claims["tenant"], claims["permissions"]) == ("42", str(uuid.UUID(int=5)), ["a", "b"])
    assert claims["exp"] - claims["iat"] == 60 and uuid.UUID(claims["jti"]).version == 7
    assert jwt.get_unverified_header(token)["kid"] == "2026"


@pytest.mark.parametrize("claims", [{"sub": "x"}, {"exp": 1}, {"iat": 1}, {"jti": "x"}, {"a": float("nan")}])
def test_what_a_minter_writes_itself_can_not_be_replaced(claims):
    with pytest.raises(ValueError):
        _rust.Minter(SECRET, "HS256").mint("42", 60, claims)


@pytest.mark.parametrize("lifetime", [0, -1, 1e300])
def test_a_token_has_a_lifetime(lifetime):
    with pytest.raises(ValueError, match=r"positive|longer"):
        _rust.Minter(SECRET, "HS256").mint("42", lifetime, {})


@pytest.mark.parametrize("lists", [([], None, None), (None, [], None), (None, None, []), (["x"], [], ["y"])])
def test_a_claim_test_with_an_empty_list_is_refused(lists):
    with pytest.raises(ConfigurationError, match="empty"):
        Guard.claim("amr", *lists)


@pytest.mark.parametrize("nothing", [[], [""], "", ["shop", ""]])
def test_expecting_an_empty_audience_or_issuer_admits_no_token(nothing):
    for claim, argument in [("aud", "audience"), ("iss", "issuer")]:
        for value in ("", [""], [], "shop"):
            if claim == "iss" and not isinstance(value, str):
                continue
            token = jwt.encode({"exp": time.time() + 60, claim: value}, SECRET)
            with pytest.raises(jwt.InvalidTokenError):
                jwt.decode(token, SECRET, ["HS256"], **{argument: nothing})


@pytest.mark.parametrize("guard", ['via("x")', 'staff | via("api_key")', '~via("session")'])
def test_a_guard_for_a_backend_that_the_gate_does_not_have_is_refused(guard):
    with pytest.raises(ConfigurationError, match="doesn't have"):
        gate(backend(), guard=Guard.parse(guard))
    # A gate without backends decides about the callers of other gates.
    assert isinstance(_rust.Gate([], Guard.parse(guard)), _rust.Gate)


def test_a_store_in_memory_may_have_any_limit():
    store = _rust.MemoryRevocation(sys.maxsize)
    store.revoke("j", 60)
    guarded = gate(backend(memory_revocation=store))
    assert guarded.check(bearer(jti="j")).reason == "token_revoked"
    assert isinstance(guarded.check(bearer(jti="k")), _rust.AuthContext)


# --- callers of another gate -----------------------------------------------------------------------------------------


def readers():
    """A reader of the blog, authenticated by a token and by an API key."""
    keys = _rust.ApiKeyBackend(api_keys=["sk-1"], key_permissions={"sk-1": ["blog.read"]})
    let_in = gate(backend(), keys, guard=Guard.permission("blog.read"))
    contexts = [let_in.check(bearer(permissions=["blog.read"])), let_in.check({"HTTP_X_API_KEY": "sk-1"})]
    assert all(isinstance(context, _rust.AuthContext) for context in contexts)
    return contexts


@pytest.mark.parametrize(
    ("guard", "opens"),
    [
        ('perm("blog.read")', True),
        ('perm("admin.delete")', False),
        ('~perm("blog.read")', False),
        ('~perm("admin.banned")', True),
        ('perm("admin.delete") & check("owner")', False),
        ('perm("blog.read") & check("owner")', True),
    ],
)
def test_grants_of_a_caller_of_another_gate_are_read_again(guard, opens):
    guard = Guard.parse(guard)
    for context in readers():
        decided = gate(guard=guard).check_caller(context)
        if isinstance(decided, _rust.GuardChecks):
            assert decided.context is context and decided.open_checks() == ["owner"]
            assert isinstance(decided.finish({"owner": False}), _rust.Refusal)
            decided = decided.finish({"owner": True})
        assert isinstance(decided, _rust.AuthContext if opens else _rust.Refusal)
        explained = guard.explain(context, {"owner": True}).decision
        assert explained == ("allow" if opens else "deny")


@pytest.mark.parametrize("errors_allow", [False, True])
def test_token_that_expires_during_the_query_is_refused(errors_allow):
    asking = gate(backend(external_revocation=True, store_errors_allow=errors_allow))
    end = time.time() + 2
    pending = [asking.check(bearer(exp=end)) for _ in range(2)]
    current = asking.check(bearer())
    time.sleep(max(0, end - time.time()) + 0.01)
    for late, revoked in zip(pending, [False, None if errors_allow else False], strict=True):
        refusal = late.unavailable() if revoked is None else late.done(revoked)
        assert isinstance(refusal, _rust.Refusal) and (refusal.status, refusal.reason) == (401, "token_expired")
    assert isinstance(current.done(False), _rust.AuthContext)
