"""`boltguard.jwt`: accepted tokens, rejected tokens, and the exceptions."""

import base64
import datetime
import decimal
import enum
import hashlib
import hmac
import json
import pickle
import threading
import time
import uuid
import warnings

import pytest

from boltguard import jws, jwt
from boltguard.jwt import Key, KeySet

SECRET = "a secret that is longer than thirty-two bytes"
NOW = 1_800_000_000
FRESH = {"sub": "42", "exp": NOW + 60}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(claims, header=None, secret=SECRET):
    """A token created without the library; `claims` may be a string that isn't JSON."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in (header or {"alg": "HS256"}, claims)]
    signed = ".".join(b64(text.encode()) for text in texts)
    return f"{signed}.{b64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def decode(token, key=SECRET, algorithms=("HS256",), now=NOW, **more):
    return jwt.decode(token, key, algorithms=list(algorithms), now=now, **more)


def refusal(token, **more):
    with pytest.raises((jwt.InvalidTokenError, jwt.InvalidKeyError)) as caught:
        decode(token, **more)
    return type(caught.value), caught.value.code


# --- claims ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({**FRESH, "exp": NOW}, (jwt.ExpiredSignatureError, "token_expired")),
        ({**FRESH, "exp": NOW - 0.5}, (jwt.ExpiredSignatureError, "token_expired")),
        ({**FRESH, "exp": str(NOW + 60)}, (jwt.DecodeError, "claims_malformed")),
        ({**FRESH, "exp": True}, (jwt.DecodeError, "claims_malformed")),
        ({**FRESH, "exp": [NOW + 60]}, (jwt.DecodeError, "claims_malformed")),
        ({**FRESH, "nbf": NOW + 1}, (jwt.ImmatureSignatureError, "token_not_yet_valid")),
        ({**FRESH, "nbf": "soon"}, (jwt.DecodeError, "claims_malformed")),
        ({**FRESH, "iat": "now"}, (jwt.InvalidIssuedAtError, "claims_malformed")),
        ({**FRESH, "sub": 42}, (jwt.InvalidSubjectError, "claims_malformed")),
        ({**FRESH, "jti": 1}, (jwt.InvalidJTIError, "claims_malformed")),
        ({**FRESH, "iss": ["me"]}, (jwt.InvalidIssuerError, "claims_malformed")),
        ({**FRESH, "aud": "somebody"}, (jwt.InvalidAudienceError, "audience_mismatch")),
        ({**FRESH, "aud": {"a": 1}}, (jwt.InvalidAudienceError, "claims_malformed")),
        ({**FRESH, "aud": ["a", 1]}, (jwt.InvalidAudienceError, "claims_malformed")),
        ({"sub": "42"}, (jwt.MissingRequiredClaimError, "claim_missing")),
        ({"exp": None}, (jwt.DecodeError, "claims_malformed")),
        ([], (jwt.DecodeError, "claims_malformed")),
        ("null", (jwt.DecodeError, "claims_malformed")),
        ("{", (jwt.DecodeError, "claims_malformed")),
        ('{"exp":1,"exp":4102444800}', (jwt.DecodeError, "claims_malformed")),
        ('{"exp":1e400}', (jwt.DecodeError, "claims_malformed")),
        ('{"exp":NaN}', (jwt.DecodeError, "claims_malformed")),
        ('{"exp":4102444800,"a":' + "[" * 64 + "]" * 64 + "}", (jwt.DecodeError, "claims_malformed")),
        ('{"exp":4102444800,"a":"\\ud800"}', (jwt.DecodeError, "claims_malformed")),
    ],
)
def test_claims_are_refused_by_class_and_code(claims, expected):
    found, code = refusal(forge(claims))
    assert (found, code) == expected
    assert found is not jwt.InvalidTokenError and issubclass(found, jwt.InvalidTokenError)


def test_a_missing_claim_is_named():
    with pytest.raises(jwt.MissingRequiredClaimError, match='missing the "jti" claim') as caught:
        decode(forge(FRESH), options={"require": ["exp", "jti"]})
    assert caught.value.claim == "jti" and caught.value.code == "claim_missing"
    with pytest.raises(jwt.MissingRequiredClaimError) as caught:
        decode(forge({**FRESH, "jti": None}), options={"require": ["jti"], "verify_jti": False})
    assert caught.value.claim == "jti"


def test_what_a_token_was_to_name_and_does_not_is_missing():
    for expected, claim in ({"audience": "me"}, "aud"), ({"issuer": "me"}, "iss"):
        with pytest.raises(jwt.MissingRequiredClaimError) as caught:
            decode(forge(FRESH), **expected)
        assert caught.value.claim == claim


def test_every_claim_comes_back_as_it_was_sent():
    claims = {
        **FRESH,
        "big": 2**80,
        "negative": -(2**63),
        "fraction": 1.5,
        "small": 1e-300,
        "text": 'zażółć "\\\n\t\x00 😀',
        "nested": {"a": [None, True, False, {"b": []}], "": {}},
        "ver": "2.0",
    }
    back = decode(forge(claims))
    assert back == claims and list(back) == list(claims)
    assert type(back["exp"]) is int and type(back["fraction"]) is float and back["nested"]["a"][1] is True


def test_dates_may_have_fractions_and_lie_far_away():
    assert decode(forge({**FRESH, "exp": NOW + 0.25, "nbf": NOW - 0.25, "iat": 1e300}))


def test_a_token_issued_in_the_future_is_admitted():
    assert decode(forge({**FRESH, "iat": NOW + 10_000}))


@pytest.mark.parametrize("leeway", [30, 30.5, datetime.timedelta(seconds=30)])
def test_leeway_is_seconds_or_a_timedelta(leeway):
    assert decode(forge({**FRESH, "exp": NOW - 29, "nbf": NOW + 30}), leeway=leeway)
    assert refusal(forge({**FRESH, "exp": NOW - 31}), leeway=leeway)[1] == "token_expired"


@pytest.mark.parametrize("leeway", [-1, float("nan"), float("inf"), True])
def test_a_leeway_that_is_none_is_an_error_of_the_caller(leeway):
    with pytest.raises(ValueError, match="leeway|seconds"):
        decode(forge(FRESH), leeway=leeway)
    with pytest.raises(TypeError, match="seconds"):
        decode(forge(FRESH), leeway="30")


def test_default_clock_is_the_system_clock():
    assert jwt.decode(forge({"exp": time.time() + 5}), SECRET, ["HS256"])
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(forge({"exp": time.time() - 1}), SECRET, ["HS256"])


def test_an_audience_or_issuer_is_one_string_or_several():
    token = forge({**FRESH, "aud": ["a", "b"], "iss": "me"})
    for audience in ("a", ["x", "b"], ("b",), {"a"}, iter(["a"])):
        for issuer in ("me", ["me", "you"], {"me"}):
            if not isinstance(audience, (str, list, tuple, set)):
                audience = iter(["a"])
            assert decode(token, audience=audience, issuer=issuer)
    assert refusal(token, audience="c")[0] is jwt.InvalidAudienceError
    assert refusal(token, audience="a", issuer="m")[0] is jwt.InvalidIssuerError


def test_empty_list_differs_from_no_expectation():
    assert refusal(forge(FRESH), audience=[]) == (jwt.InvalidAudienceError, "audience_mismatch")
    assert refusal(forge(FRESH), issuer=[]) == (jwt.InvalidIssuerError, "issuer_mismatch")


@pytest.mark.parametrize("expected", [{"audience": 1}, {"issuer": b"me"}, {"audience": ["a", 1]}, {"subject": 42}])
def test_expectations_of_the_wrong_type_are_errors_of_the_caller(expected):
    with pytest.raises(TypeError):
        decode(forge(FRESH), **expected)


def test_bytes_are_not_an_audience_or_issuer():
    for what in ("audience", "issuer"):
        with pytest.raises(TypeError, match=f"{what} must be a string or a list of strings, not bytes"):
            decode(forge(FRESH), **{what: b"abc"})


def test_a_subject_may_be_expected():
    assert decode(forge(FRESH), subject="42")
    assert refusal(forge(FRESH), subject="43")[0] is jwt.InvalidSubjectError
    assert refusal(forge({"exp": NOW + 1}), subject="43")[0] is jwt.InvalidSubjectError


# --- options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "options"),
    [
        ({"sub": "42"}, {"require": []}),
        ({"sub": "42"}, {"verify_exp": False}),
        ({**FRESH, "exp": NOW - 60}, {"verify_exp": False}),
        ({**FRESH, "exp": "never"}, {"verify_exp": False}),
        ({**FRESH, "nbf": NOW + 60}, {"verify_nbf": False}),
        ({**FRESH, "iat": "x"}, {"verify_iat": False}),
        ({**FRESH, "aud": "somebody"}, {"verify_aud": False}),
        ({**FRESH, "iss": 1}, {"verify_iss": False}),
        ({**FRESH, "sub": 42}, {"verify_sub": False}),
        ({**FRESH, "jti": 42}, {"verify_jti": False}),
    ],
)
def test_each_check_is_relaxed_by_its_name(claims, options):
    refusal(forge(claims))
    assert decode(forge(claims), options=options) == claims


def test_requiring_other_claims_makes_exp_optional():
    assert decode(forge({"sub": "42"}), options={"require": ["sub"]})


def test_a_type_of_token_may_be_required():
    token = forge(FRESH, {"alg": "HS256", "typ": "application/AT+jwt"})
    assert decode(token, options={"typ": "at+jwt"}) and decode(token, options={"typ": None})
    assert refusal(forge(FRESH), options={"typ": "at+jwt"}) == (jwt.InvalidTokenError, "type_mismatch")


def test_a_strict_audience_is_one_string_on_both_sides():
    strict = {"strict_aud": True}
    one, several = forge({**FRESH, "aud": "a"}), forge({**FRESH, "aud": ["a"]})
    assert decode(one, audience="a", options=strict) and decode(several, audience="a")
    assert refusal(several, audience="a", options=strict)[0] is jwt.InvalidAudienceError
    assert refusal(one, audience=["a"], options=strict)[0] is jwt.InvalidAudienceError
    assert decode(several, audience="a", options={**strict, "verify_aud": False})


@pytest.mark.parametrize(
    "options", [{"verify_expiry": False}, {"require_exp": True}, {"require": "exp"}, [("typ", "JWT")], "typ"]
)
def test_an_option_that_does_not_exist_is_an_error_of_the_caller(options):
    with pytest.raises(TypeError):
        decode(forge(FRESH), options=options)


def test_a_misspelt_argument_is_an_error_of_the_caller():
    with pytest.raises(TypeError):
        decode(forge(FRESH), isuer="me")


def test_the_old_switch_verify_has_no_effect_and_says_so():
    with pytest.warns(DeprecationWarning, match="no effect"), pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forge(FRESH, secret="another"), SECRET, ["HS256"], verify=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(forge(FRESH), verify=True)


def test_unverified_token_is_only_checked_as_requested():
    token = forge({"exp": 1, "aud": "x", "sub": 5}, {"alg": "none", "typ": "x"}, secret="any secret")
    unverified = {"verify_signature": False}
    assert jwt.decode(token, options=unverified) == {"exp": 1, "aud": "x", "sub": 5}
    assert jwt.decode_complete(token, options=unverified)["header"] == {"alg": "none", "typ": "x"}
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, options={**unverified, "verify_exp": True})
    with pytest.raises(jwt.MissingRequiredClaimError):
        jwt.decode(token, options={**unverified, "require": ["jti"]})
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, options={**unverified, "typ": "at+jwt"})
    with pytest.raises(jwt.DecodeError):
        jwt.decode(forge("[]"), options=unverified)


# --- tokens ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "\ud800",
        "é.é.é",
        b"\xff",
        None,
        1,
        ["a"],
        "=",
        " " + forge(FRESH),
        forge(FRESH) + "\n",
    ],
)
def test_what_is_not_a_token_is_a_decode_error(token):
    found, code = refusal(token)
    assert issubclass(found, jwt.InvalidTokenError) and code in ("token_malformed", "header_invalid")


def test_a_token_may_be_bytes():
    assert decode(forge(FRESH).encode()) == FRESH


def test_a_token_has_two_names_and_one_value():
    assert jwt.decode(jwt=forge(FRESH), key=SECRET, algorithms=["HS256"], now=NOW) == FRESH
    assert jwt.decode(token=forge(FRESH), key=SECRET, algorithms=["HS256"], now=NOW) == FRESH
    with pytest.raises(TypeError):
        jwt.decode(forge(FRESH), SECRET, ["HS256"], token=forge(FRESH))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"alg": "none"}, (jwt.InvalidAlgorithmError, "algorithm_not_allowed")),
        ({"alg": "HS512"}, (jwt.InvalidAlgorithmError, "algorithm_not_allowed")),
        ({"alg": "hs256"}, (jwt.InvalidAlgorithmError, "algorithm_not_allowed")),
        ({"typ": "JWT"}, (jwt.InvalidAlgorithmError, "algorithm_not_allowed")),
        ({"alg": "HS256", "kid": 1}, (jwt.DecodeError, "header_invalid")),
        ({"alg": "HS256", "crit": ["exp"]}, (jwt.InvalidTokenError, "critical_header")),
        ({"alg": "HS256", "b64": False}, (jwt.InvalidTokenError, "critical_header")),
        ("[]", (jwt.DecodeError, "header_invalid")),
        ('{"alg":"HS256","alg":"HS256"}', (jwt.DecodeError, "header_invalid")),
    ],
)
def test_headers_are_refused_by_class_and_code(header, expected):
    assert refusal(forge(FRESH, header)) == expected


def test_a_large_token_is_refused_before_any_work():
    assert refusal(forge({**FRESH, "a": "x" * 20_000})) == (jwt.DecodeError, "token_too_large")


def test_a_token_that_is_too_large_is_not_made():
    for headers in (None, {"x": 1}):
        with pytest.raises(jwt.InvalidTokenError, match="16 KiB") as caught:
            jwt.encode({**FRESH, "a": "x" * 20_000}, SECRET, headers=headers)
        assert caught.value.code == "token_too_large"


def test_a_wrong_signature_and_a_wrong_key():
    assert refusal(forge(FRESH)[:-2] + "AA") == (jwt.InvalidSignatureError, "signature_invalid")
    assert refusal(forge(FRESH), key="another secret, as long as the first one was") == (
        jwt.InvalidSignatureError,
        "signature_invalid",
    )


def test_the_parts_of_a_token():
    token = forge(FRESH, {"typ": "JWT", "alg": "HS256", "x": [1]})
    parts = jwt.decode_complete(token, SECRET, algorithms=["HS256"], now=NOW)
    assert parts["payload"] == FRESH and parts["header"] == {"typ": "JWT", "alg": "HS256", "x": [1]}
    assert b64(parts["signature"]) == token.rpartition(".")[2]


def test_the_header_of_an_unverified_token():
    assert jwt.get_unverified_header(forge(FRESH, {"alg": "XY1", "kid": "k"})) == {"alg": "XY1", "kid": "k"}
    for token in ("a.b", forge(FRESH, "[]"), forge(FRESH, {"alg": "HS256", "kid": 1}), forge(FRESH, "{"), None):
        with pytest.raises(jwt.DecodeError):
            jwt.get_unverified_header(token)


def test_a_payload_may_travel_apart():
    header, payload, signature = forge(FRESH).split(".")
    apart = f"{header}..{signature}"
    body = json.dumps(FRESH).encode()
    assert decode(apart, detached_payload=body) == FRESH
    assert refusal(apart, detached_payload=body + b" ")[1] == "signature_invalid"
    assert refusal(forge(FRESH), detached_payload=body)[0] is jwt.DecodeError
    assert refusal(apart)[0] is jwt.InvalidSignatureError


# --- algorithms --------------------------------------------------------------------------------------------------


def test_algorithms_have_to_be_named():
    with pytest.raises(jwt.DecodeError, match="algorithms") as caught:
        jwt.decode(forge(FRESH), SECRET)
    assert caught.value.code == "algorithm_not_allowed"
    assert refusal(forge(FRESH), algorithms=[]) == (jwt.InvalidAlgorithmError, "algorithm_not_allowed")
    assert jwt.decode(forge(FRESH), SECRET, "HS256", now=NOW)


@pytest.mark.parametrize(("name", "meant"), [("hs256", "HS256"), ("RS-256", "RS256"), ("ES256K", None), ("", None)])
def test_unknown_algorithm_is_reported_with_a_suggestion(name, meant):
    with pytest.raises(jwt.InvalidAlgorithmError) as caught:
        decode(forge(FRESH), algorithms=["HS256", name])
    assert f'"{name}"' in str(caught.value)
    assert meant is None or f'did you mean "{meant}"?' in str(caught.value)


def test_none_may_be_listed_and_verifies_nothing():
    assert decode(forge(FRESH), algorithms=["none", "HS256"]) == FRESH
    unsigned = forge(FRESH, {"alg": "none"}).rpartition(".")[0] + "."
    for algorithms in (["HS256", "none"], ["none"], "none"):
        assert refusal(unsigned, algorithms=algorithms)[1] == "algorithm_not_allowed"
    for algorithms in (["none"], "none"):
        assert refusal(forge(FRESH), algorithms=algorithms)[1] == "algorithm_not_allowed"


@pytest.mark.parametrize("name", ["hunter", "hunter2", "my-secret", "s3cret"])
def test_what_may_be_a_secret_is_not_shown_as_an_algorithm(name):
    for call in (
        lambda: decode(forge(FRESH), algorithms=[name]),
        lambda: decode(forge(FRESH), algorithms=name),
        lambda: jwt.encode(FRESH, SECRET, name),
        lambda: jwt.encode(FRESH, SECRET, headers={"alg": name}),
        lambda: jwt.get_algorithm_by_name(name),
        lambda: jwt.PyJWS(algorithms=[name]),
    ):
        with pytest.raises((jwt.InvalidAlgorithmError, NotImplementedError, ValueError)) as caught:
            call()
        assert name not in str(caught.value)


@pytest.mark.parametrize("algorithms", [[None], [1], [b"HS256"]])
def test_an_algorithm_is_named_by_string(algorithms):
    assert refusal(forge(FRESH), algorithms=algorithms)[0] is jwt.InvalidAlgorithmError


# --- signing -----------------------------------------------------------------------------------------------------


def written(claims, **more):
    """The encoded payload in the token."""
    payload = jwt.encode(claims, SECRET, **more).split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()


class Roman(enum.IntEnum):
    IV = 4


class Loud(str):
    def __str__(self):
        return self.upper()


class Lying(int):
    def __repr__(self):
        return "0"


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({}, "{}"),
        ({"a": [], "b": (), "c": {}}, '{"a":[],"b":[],"c":{}}'),
        ({"a": None, "b": True, "c": False}, '{"a":null,"b":true,"c":false}'),
        (
            {"a": 2**64, "b": -(2**63), "c": 1.5, "d": 1e22},
            '{"a":18446744073709551616,"b":-9223372036854775808,"c":1.5,"d":1e22}',
        ),
        ({"a": 'é"\\/\n\x00\x7f'}, '{"a":"é\\"\\\\/\\n\\u0000\x7f"}'),
        ({"a": Roman.IV, Loud("b"): Loud("c"), "d": Lying(2**70)}, '{"a":4,"b":"c","d":1180591620717411303424}'),
        ({"a": [[1, "x"], {"b": [2]}]}, '{"a":[[1,"x"],{"b":[2]}]}'),
    ],
)
def test_claims_are_written_compactly_and_in_order(claims, text):
    assert written(claims) == text
    assert decode(jwt.encode(claims, SECRET), options={"require": []}) == json.loads(text)


@pytest.mark.parametrize("date", ["exp", "iat", "nbf"])
def test_dates_are_written_as_whole_seconds(date):
    naive = datetime.datetime(2030, 1, 2, 3, 4, 5, 999_999)
    east = datetime.timezone(datetime.timedelta(hours=5))
    assert written({date: naive}) == f'{{"{date}":1893553445}}'
    assert written({date: naive.replace(tzinfo=east)}) == f'{{"{date}":{1893553445 - 5 * 3600}}}'
    assert written({date: 1.5}) == f'{{"{date}":1.5}}'


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        b"x",
        object(),
        decimal.Decimal(1),
        uuid.uuid4(),
        datetime.datetime(2030, 1, 1),
        datetime.timedelta(1),
        {(1, 2): "a"},
        {b"x": 1},
    ],
)
def test_what_json_has_no_word_for_is_refused_by_its_type(value):
    with pytest.raises(TypeError, match=type(next(iter(value)) if isinstance(value, dict) else value).__name__):
        jwt.encode({"a": value}, SECRET)
    with pytest.raises(TypeError):
        jwt.encode({"a": [{"exp": value}]}, SECRET)


def test_control_characters_are_escaped_as_json_dumps_escapes_them():
    payload = {"a": "".join(map(chr, range(128))) + "é"}
    segment = jwt.encode(payload, SECRET).split(".")[1]
    written = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode()
    assert written == json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def test_names_of_members_are_written_as_json_dumps_writes_them():
    payload = {"a": {3: "x", 2.5: "y", True: "z", None: 0, "s": {False: 1}}}
    assert decode(jwt.encode({**FRESH, **payload}, SECRET))["a"] == json.loads(json.dumps(payload))["a"]
    assert decode(jwt.encode({**FRESH, 7: 1}, SECRET))["7"] == 1


@pytest.mark.parametrize("payload", [{1: "x", "1": "y"}, {None: 1, "null": 2}, {True: 1, "true": 2}])
def test_two_names_that_are_one_in_json_are_refused(payload):
    with pytest.raises(ValueError, match="two members have the name"):
        jwt.encode({**FRESH, "a": payload}, SECRET)


class Upper(json.JSONEncoder):
    """Overrides more than `default`."""

    def iterencode(self, o, _one_shot=False):
        return super().iterencode({**o, "written": "by me"}, _one_shot)


def test_an_encoder_that_overrides_more_than_default_is_obeyed():
    date = datetime.datetime.fromtimestamp(FRESH["exp"], datetime.timezone.utc)
    claims = decode(jwt.encode({**FRESH, "exp": date}, SECRET, json_encoder=Upper))
    assert claims == {**FRESH, "written": "by me"}


def test_an_encoder_writes_the_headers_too():
    class Text(json.JSONEncoder):
        def default(self, o):
            return str(o)

    headers = {"amount": decimal.Decimal("2.2"), "n": {"id": uuid.UUID(int=1)}}
    with pytest.raises(TypeError, match="Decimal"):
        jwt.encode(FRESH, SECRET, headers=headers)
    for token in (
        jwt.encode(FRESH, SECRET, headers=headers, json_encoder=Text),
        jws.encode(b"x", SECRET, headers=headers, json_encoder=Text),
        jws.sign(b"x", SECRET, headers=headers, json_encoder=Text),
    ):
        header = jwt.get_unverified_header(token)
        assert (header["amount"], header["n"]) == ("2.2", {"id": str(uuid.UUID(int=1))})


@pytest.mark.parametrize("encoder", [json.JSONEncoder(), str, json.dumps, "json", dict])
def test_what_is_not_an_encoder_is_refused(encoder):
    with pytest.raises(TypeError, match="json_encoder must be a subclass of json.JSONEncoder"):
        jwt.encode(FRESH, SECRET, json_encoder=encoder)


def segment_of(token):
    header = token.split(".")[0]
    return base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()


def test_headers_have_the_requested_order():
    headers = {"zip": "x", "a": 1, "kid": "k"}
    assert segment_of(jwt.encode(FRESH, SECRET, headers=headers)) == (
        '{"a":1,"alg":"HS256","kid":"k","typ":"JWT","zip":"x"}'
    )
    as_given = '{"typ":"JWT","alg":"HS256","zip":"x","a":1,"kid":"k"}'
    for token in (
        jwt.encode(FRESH, SECRET, headers=headers, sort_headers=False),
        jwt.PyJWT().encode(FRESH, SECRET, headers=headers, sort_headers=False),
        jws.encode(b"x", SECRET, headers=headers, sort_headers=False),
        jws.sign(b"x", SECRET, headers=headers, sort_headers=False),
    ):
        assert segment_of(token) == as_given
    assert segment_of(jwt.encode(FRESH, SECRET, sort_headers=False)) == '{"typ":"JWT","alg":"HS256"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_values_that_no_json_holds_are_refused(value):
    with pytest.raises(ValueError, match=r"NaN|surrogate"):
        jwt.encode({"a": value}, SECRET)


def test_a_circle_is_refused():
    circle = {}
    circle["again"] = [circle]
    with pytest.raises(ValueError, match="circle"):
        jwt.encode(circle, SECRET)


@pytest.mark.parametrize("payload", [None, "text", b"{}", [("a", 1)], 1])
def test_a_payload_is_a_mapping(payload):
    with pytest.raises(TypeError, match="dict"):
        jwt.encode(payload, SECRET)


def test_an_issuer_is_string():
    with pytest.raises(TypeError, match="iss"):
        jwt.encode({"iss": 1}, SECRET)
    assert written({"a": {"iss": 1}}) == '{"a":{"iss":1}}'


class Encoder(json.JSONEncoder):
    def default(self, o):
        return list(o) if isinstance(o, set) else super().default(o)


def test_an_encoder_class_writes_what_json_has_no_word_for():
    assert written({"a": {3}}, json_encoder=Encoder) == '{"a":[3]}'
    with pytest.raises(TypeError, match="bytes"):
        jwt.encode({"a": b"x"}, SECRET, json_encoder=Encoder)


def test_an_encoder_may_change_what_is_being_written():
    claims = {"a": {1}, "b": 2}

    class Clearing(json.JSONEncoder):
        def default(self, o):
            claims.clear()
            claims["c"] = 3
            return None

    assert written(claims, json_encoder=Clearing) == '{"a":null,"b":2}'


def test_an_encoder_that_never_ends_is_stopped():
    class Endless(json.JSONEncoder):
        def default(self, o):
            return object()

    with pytest.raises(ValueError, match="circle"):
        jwt.encode({"a": object()}, SECRET, json_encoder=Endless)


def test_headers_are_added_sorted_and_the_kid_of_the_key_is_written():
    header = jwt.get_unverified_header(jwt.encode(FRESH, SECRET, headers={"x": [1], "kid": "k"}))
    assert header == {"alg": "HS256", "typ": "JWT", "x": [1], "kid": "k"}
    named = Key.from_secret(SECRET, kid="2026")
    assert jwt.get_unverified_header(jwt.encode(FRESH, named))["kid"] == "2026"
    assert jwt.get_unverified_header(jwt.encode(FRESH, named, headers={"kid": "mine"}))["kid"] == "mine"
    assert jwt.get_unverified_header(jwt.encode(FRESH, SECRET, headers={"typ": None})) == {"alg": "HS256"}
    assert jwt.get_unverified_header(jwt.encode(FRESH, SECRET, headers={"typ": "at+jwt"}))["typ"] == "at+jwt"


def test_the_algorithm_of_the_header_is_the_one_that_signs():
    long = "s" * 64
    token = jwt.encode(FRESH, long, headers={"alg": "HS512"})
    assert jwt.decode(token, long, ["HS512"], now=NOW) == FRESH
    with pytest.raises(jwt.InvalidAlgorithmError, match="algorithm differs from alg"):
        jwt.encode(FRESH, long, "HS256", {"alg": "HS512"})


@pytest.mark.parametrize("headers", [{"crit": ["exp"]}, {"b64": False}, {"kid": 1}, {"kid": None}, {"alg": 1}])
def test_a_header_that_would_be_refused_is_not_written(headers):
    with pytest.raises(jwt.InvalidTokenError):
        jwt.encode(FRESH, SECRET, headers=headers)


def test_a_number_that_no_reader_holds_is_not_written_into_a_header():
    with pytest.raises(ValueError, match="range"):
        jwt.encode(FRESH, SECRET, headers={"x": 10**400})


def test_an_unknown_algorithm_does_not_sign():
    for name in ("none", "HS257", "RS1", ""):
        with pytest.raises(jwt.InvalidAlgorithmError):
            jwt.encode(FRESH, SECRET, algorithm=name)


# --- weak secrets ------------------------------------------------------------------------------------------------


def test_a_short_secret_works_and_is_warned_of():
    with pytest.warns(jwt.InsecureKeyLengthWarning, match="32"):
        token = jwt.encode(FRESH, "short")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        assert decode(token, key="short") == FRESH
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(jwt.encode(FRESH, SECRET)) == FRESH


def test_a_short_secret_is_refused_on_request():
    short = Key.from_secret("short")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(FRESH, short)
    for key in (
        "short",
        short,
        KeySet([short]),
        {"kty": "oct", "k": b64(b"short")},
        {"keys": [{"kty": "oct", "k": b64(b"short")}]},
    ):
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            assert decode(token, key=key) == FRESH
        strict = {"enforce_minimum_key_length": True}
        assert refusal(token, key=key, options=strict) == (jwt.InvalidKeyError, "key_invalid")


# --- exceptions and threads --------------------------------------------------------------------------------------


def test_exceptions_say_why_and_can_be_copied():
    with pytest.raises(jwt.ExpiredSignatureError, match="expired") as caught:
        decode(forge({**FRESH, "exp": 1}))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.code) == (str(caught.value), "token_expired")
    missing = pickle.loads(pickle.dumps(jwt.MissingRequiredClaimError("jti")))
    assert (missing.claim, missing.code) == ("jti", "claim_missing")


def test_exceptions_are_made_by_hand_as_in_pyjwt():
    assert str(jwt.DecodeError("why")) == "why" and jwt.DecodeError.code == "token_malformed"


def test_threads_share_keys_and_names():
    key = Key.from_secret(SECRET)
    token, failures = jwt.encode({**FRESH, "data": {f"name{i}": i for i in range(300)}}, key), []

    def work():
        for _ in range(200):
            if decode(token, key=key)["data"]["name299"] != 299 or decode(token)["sub"] != "42":
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
