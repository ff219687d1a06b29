"""Behaviour of PyJWT that its users rely on when claims are checked: a token, a call, and the result.

The cases also hold for PyJWT 2.15.1, which is tested alongside; `test_pyjwt_table` contains the differences.
"""

import datetime
import warnings

import jwt as pyjwt
import pytest

from boltguard import jwt

SECRET = "a secret that is longer than thirty-two bytes"
NOW = datetime.datetime.now(datetime.timezone.utc)
# Far enough that the duration of the test run doesn't matter.
PAST, FUTURE = int(NOW.timestamp()) - 100_000, int(NOW.timestamp()) + 100_000
OK = None


def case(name, claims, outcome, **arguments):
    return pytest.param(claims, arguments, outcome, id=name)


CASES = [
    case("no_claims_at_all", {}, OK),
    # Dates.
    case("exp_is_in_the_future", {"exp": FUTURE}, OK),
    case("exp_is_over", {"exp": PAST}, "ExpiredSignatureError"),
    case("exp_is_over_within_the_leeway", {"exp": PAST}, OK, leeway=200_000),
    case("exp_is_over_within_a_leeway_as_timedelta", {"exp": PAST}, OK, leeway=datetime.timedelta(seconds=200_000)),
    case("exp_is_over_beyond_the_leeway", {"exp": PAST}, "ExpiredSignatureError", leeway=50_000),
    case("exp_is_over_and_not_looked_at", {"exp": PAST}, OK, options={"verify_exp": False}),
    case("exp_is_a_float", {"exp": FUTURE + 0.5}, OK),
    case("exp_is_a_datetime", {"exp": NOW + datetime.timedelta(days=1)}, OK),
    case("exp_is_a_datetime_that_is_over", {"exp": NOW - datetime.timedelta(days=1)}, "ExpiredSignatureError"),
    case("nbf_has_begun", {"nbf": PAST}, OK),
    case("nbf_is_ahead", {"nbf": FUTURE}, "ImmatureSignatureError"),
    case("nbf_is_ahead_within_the_leeway", {"nbf": FUTURE}, OK, leeway=200_000),
    case("nbf_is_ahead_beyond_the_leeway", {"nbf": FUTURE}, "ImmatureSignatureError", leeway=50_000),
    case("nbf_is_ahead_and_not_looked_at", {"nbf": FUTURE}, OK, options={"verify_nbf": False}),
    case("iat_is_in_the_past", {"iat": PAST}, OK),
    case("iat_is_ahead_and_not_looked_at", {"iat": FUTURE}, OK, options={"verify_iat": False}),
    case("iat_is_ahead_and_looked_at_by_name", {"iat": FUTURE}, "ImmatureSignatureError", options={"verify_iat": True}),
    case("iat_is_ahead_within_the_leeway", {"iat": FUTURE}, OK, leeway=200_000, options={"verify_iat": True}),
    *(
        case(f"{claim}_is_{value!r}", {claim: value}, "InvalidIssuedAtError" if claim == "iat" else "DecodeError")
        for claim in ("exp", "nbf", "iat")
        for value in ("soon", [1], {"a": 1}, None)
    ),
    # Audience.
    case("aud_is_the_audience", {"aud": "me"}, OK, audience="me"),
    case("aud_lists_the_audience", {"aud": ["you", "me"]}, OK, audience="me"),
    case("aud_is_one_of_the_audiences", {"aud": "me"}, OK, audience=["you", "me"]),
    case("audiences_are_a_set", {"aud": "me"}, OK, audience={"you", "me"}),
    case("audiences_are_a_tuple", {"aud": ["me", "us"]}, OK, audience=("you", "me")),
    case("aud_is_another", {"aud": "you"}, "InvalidAudienceError", audience="me"),
    case("aud_lists_others", {"aud": ["you", "us"]}, "InvalidAudienceError", audience="me"),
    case("aud_is_none_of_the_audiences", {"aud": "me"}, "InvalidAudienceError", audience=["you", "him"]),
    case("aud_begins_as_the_audience", {"aud": "me"}, "InvalidAudienceError", audience="me2"),
    case("aud_is_not_expected", {"aud": "me"}, "InvalidAudienceError"),
    case("aud_is_not_expected_and_not_looked_at", {"aud": "me"}, OK, options={"verify_aud": False}),
    case("aud_is_missing", {}, "MissingRequiredClaimError", audience="me"),
    case("aud_is_a_number", {"aud": 1}, "InvalidAudienceError", audience="me"),
    case("aud_lists_a_number", {"aud": [1]}, "InvalidAudienceError", audience="me"),
    case("audiences_are_none", {"aud": "me"}, "InvalidAudienceError", audience=[]),
    case("audience_is_a_number", {}, "TypeError", audience=1),
    case("strict_aud_is_the_audience", {"aud": "me"}, OK, audience="me", options={"strict_aud": True}),
    case("strict_aud_is_another", {"aud": "me"}, "InvalidAudienceError", audience="you", options={"strict_aud": True}),
    case("strict_aud_lists", {"aud": ["me"]}, "InvalidAudienceError", audience="me", options={"strict_aud": True}),
    case("strict_audiences", {"aud": "me"}, "InvalidAudienceError", audience=["me"], options={"strict_aud": True}),
    case("aud_lists_without_strict_aud", {"aud": ["me"]}, OK, audience="me", options={"strict_aud": False}),
    # Issuer.
    case("iss_is_the_issuer", {"iss": "me"}, OK, issuer="me"),
    case("iss_is_one_of_the_issuers", {"iss": "me"}, OK, issuer=["you", "me"]),
    case("issuers_are_a_set", {"iss": "me"}, OK, issuer={"you", "me"}),
    case("issuers_are_a_tuple", {"iss": "me"}, OK, issuer=("you", "me")),
    case("iss_is_another", {"iss": "me"}, "InvalidIssuerError", issuer="you"),
    case("iss_is_none_of_the_issuers", {"iss": "me"}, "InvalidIssuerError", issuer=["you", "him"]),
    case("iss_begins_as_the_issuer", {"iss": "me"}, "InvalidIssuerError", issuer="me2"),
    case("iss_is_missing", {}, "MissingRequiredClaimError", issuer="me"),
    case("iss_is_another_and_not_looked_at", {"iss": "me"}, OK, issuer="you", options={"verify_iss": False}),
    # Subject and id.
    case("sub_is_the_subject", {"sub": "7"}, OK, subject="7"),
    case("sub_is_another", {"sub": "7"}, "InvalidSubjectError", subject="8"),
    case("sub_is_any", {"sub": "7"}, OK, subject=None),
    case("sub_is_a_number", {"sub": 7}, "InvalidSubjectError"),
    case("sub_is_a_number_and_not_looked_at", {"sub": 7}, OK, options={"verify_sub": False}),
    case("jti_is_a_string", {"jti": "j"}, OK),
    case("jti_is_a_number", {"jti": 7}, "InvalidJTIError"),
    case("jti_is_a_number_and_not_looked_at", {"jti": 7}, OK, options={"verify_jti": False}),
    # Required.
    *(
        case(f"{claim}_is_required_and_missing", {}, "MissingRequiredClaimError", options={"require": [claim]})
        for claim in ("exp", "iat", "nbf", "sub", "jti", "iss", "other")
    ),
    case("other_is_required_and_there", {"other": 0}, OK, options={"require": ["other"]}),
    case("other_is_required_and_null", {"other": None}, "MissingRequiredClaimError", options={"require": ["other"]}),
    case("claims_are_required_as_a_tuple", {"a": 1}, "MissingRequiredClaimError", options={"require": ("a", "b")}),
    # Without a signature.
    case("exp_is_over_and_unverified", {"exp": PAST}, OK, options={"verify_signature": False}),
    case("aud_is_not_expected_and_unverified", {"aud": "me"}, OK, options={"verify_signature": False}),
    case(
        "exp_is_over_and_looked_at_although_unverified",
        {"exp": PAST},
        "ExpiredSignatureError",
        options={"verify_signature": False, "verify_exp": True},
    ),
]


def outcome_of(library, claims, arguments):
    token = library.encode(claims, SECRET)
    arguments = {"key": SECRET, "algorithms": ["HS256"], **arguments}
    if library is jwt:
        arguments["options"] = {"require": [], **arguments.get("options", {})}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            library.decode(token, **arguments)
        except (library.PyJWTError, TypeError) as error:
            return type(error).__name__
    return OK


@pytest.mark.parametrize(("claims", "arguments", "outcome"), CASES)
def test_claims_are_checked_as_by_pyjwt(claims, arguments, outcome):
    assert outcome_of(jwt, claims, arguments) == outcome
    assert outcome_of(pyjwt, claims, arguments) == outcome


@pytest.mark.parametrize(("claims", "arguments", "outcome"), CASES)
def test_claims_of_a_decoding_subclass_are_checked(claims, arguments, outcome):
    class Own(jwt.PyJWT):
        def _decode_payload(self, decoded):
            return super()._decode_payload(decoded)

    arguments = {"key": SECRET, "algorithms": ["HS256"], **arguments}
    arguments["options"] = {"require": [], **arguments.get("options", {})}
    try:
        Own().decode(jwt.encode(claims, SECRET), **arguments)
    except (jwt.PyJWTError, TypeError) as error:
        assert type(error).__name__ == outcome
    else:
        assert outcome is OK


@pytest.mark.parametrize(("claims", "arguments", "outcome"), CASES)
def test_an_object_checks_as_the_function_does(claims, arguments, outcome):
    arguments = dict(arguments)
    options = {"require": [], **arguments.pop("options", {})}
    call = {"verify_signature": False} if options.pop("verify_signature", True) is False else {}
    named = {name: value for name, value in options.items() if call and name != "require"}
    try:
        jwt.PyJWT(options).decode(jwt.encode(claims, SECRET), SECRET, ["HS256"], options={**call, **named}, **arguments)
    except (jwt.PyJWTError, TypeError) as error:
        assert type(error).__name__ == outcome
    else:
        assert outcome is OK


@pytest.mark.parametrize("payload", [b"", b"1", b"[]", b"null", b'"text"', b"{", b"\xff", b"hello world"])
def test_a_payload_that_is_not_an_object_is_refused_by_both(payload):
    token = jwt.PyJWS().encode(payload, SECRET)
    for library in (jwt, pyjwt):
        with pytest.raises(library.DecodeError):
            library.decode(token, SECRET, algorithms=["HS256"])
        with pytest.raises(library.DecodeError):
            library.decode(token, options={"verify_signature": False})


class Text(str):
    pass


@pytest.mark.parametrize("form", [str, Text, str.encode])
def test_a_token_may_be_string_or_bytes(form):
    token = form(jwt.encode({"exp": FUTURE}, SECRET))
    assert jwt.decode(token, SECRET, ["HS256"]) == pyjwt.decode(token, SECRET, ["HS256"]) == {"exp": FUTURE}


@pytest.mark.parametrize("token", [None, 5, [], {}, b"", "", "a", "a.b", bytearray(b"a.b.c"), "é.b.c"])
def test_what_is_not_a_token_is_a_decode_error_of_both(token):
    for library in (jwt, pyjwt):
        with pytest.raises(library.DecodeError):
            library.decode(token, SECRET, algorithms=["HS256"])


def test_options_are_not_changed_by_a_call():
    options = {"verify_signature": False}
    token = jwt.encode({"exp": PAST}, SECRET)
    jwt.PyJWT(options)
    jwt.PyJWT().decode(token, options=options)
    jwt.decode(token, options=options)
    assert options == {"verify_signature": False}
    options["verify_signature"] = True
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, SECRET, ["HS256"], options=options)


def test_the_options_of_an_object_can_be_read_and_set():
    lenient = jwt.PyJWT({"verify_signature": False})
    assert lenient.options["verify_signature"] is lenient.options["verify_exp"] is False
    assert lenient.options["strict_aud"] is False
    mine = jwt.PyJWT()
    token = mine.encode({"exp": PAST, "aud": "me"}, SECRET)
    mine.options["verify_exp"] = False
    mine.options["verify_aud"] = False
    assert mine.decode(token, SECRET, ["HS256"])["exp"] == PAST
    mine.options["require"] = ["sub"]
    with pytest.raises(jwt.MissingRequiredClaimError):
        mine.decode(token, SECRET, ["HS256"])


@pytest.mark.parametrize("library", [jwt, pyjwt], ids=["ours", "PyJWT"])
def test_only_a_call_can_leave_out_the_signature(library):
    lenient = library.PyJWT({"verify_signature": False})
    token = library.encode({"exp": PAST, "aud": "me"}, SECRET)
    assert lenient.decode(token, SECRET, ["HS256"])["exp"] == PAST
    with pytest.raises(library.InvalidSignatureError):
        lenient.decode(token, "another secret that is long enough", ["HS256"])
    assert lenient.decode(token, options={"verify_signature": False})["exp"] == PAST


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("verify_expp", "verify_exp"),
        ("verify_signatur", "verify_signature"),
        ("requires", "require"),
        ("verify-exp", "verify_exp"),
        ("strict_audience", "strict_aud"),
        ("enforce_min_key_length", "enforce_minimum_key_length"),
    ],
)
def test_a_misspelt_option_suggests_the_right_one(name, meant):
    token = jwt.encode({"exp": FUTURE}, SECRET)
    for call in (
        lambda options: jwt.decode(token, SECRET, ["HS256"], options=options),
        lambda options: jwt.decode_complete(token, SECRET, ["HS256"], options=options),
        lambda options: jwt.PyJWT().decode(token, SECRET, ["HS256"], options=options),
        jwt.PyJWT,
    ):
        with pytest.raises(TypeError, match=f'"{name}"; did you mean "{meant}"'):
            call({name: True})


def test_an_option_that_resembles_none_lists_the_options():
    with pytest.raises(TypeError, match=r"the options are .*verify_exp, .*verify_sub"):
        jwt.PyJWT({"issuer": "x"})


@pytest.mark.parametrize("name", ["verify_signature", "verify_exp", "verify_aud", "strict_aud"])
@pytest.mark.parametrize("value", [None, 0, 1, "", "false", "True"])
def test_a_switch_that_is_not_a_bool_is_refused(name, value):
    """A missing or misread setting must not disable a check."""
    token = jwt.encode({"exp": FUTURE}, SECRET)
    with pytest.raises(TypeError, match=f'"{name}" must be True or False'):
        jwt.decode(token, SECRET, ["HS256"], options={name: value})
    with pytest.raises(TypeError, match=f'"{name}" must be True or False'):
        jwt.PyJWT({name: value})


@pytest.mark.parametrize("require", ["exp", b"exp", 5, [None], [b"exp"]])
def test_a_list_of_required_claims_that_is_none_is_refused(require):
    token = jwt.encode({"exp": FUTURE}, SECRET)
    with pytest.raises(TypeError, match="require must be a list of str"):
        jwt.decode(token, SECRET, ["HS256"], options={"require": require})


@pytest.mark.parametrize("options", ["verify_exp", 5, [1], object()])
def test_options_must_be_a_mapping(options):
    token = jwt.encode({"exp": FUTURE}, SECRET)
    with pytest.raises(TypeError):
        jwt.decode(token, SECRET, ["HS256"], options=options)
    for kind in (jwt.PyJWT, jwt.PyJWS):
        with pytest.raises((TypeError, ValueError)):
            kind(options=options)


@pytest.mark.parametrize("arguments", [{"audience": ""}, {"audience": ["a", ""]}, {"issuer": ""}, {"issuer": [""]}])
def test_an_empty_audience_or_issuer_is_refused(arguments):
    token = jwt.encode({"exp": FUTURE, "aud": "", "iss": ""}, SECRET)
    with pytest.raises((jwt.InvalidAudienceError, jwt.InvalidIssuerError), match="empty"):
        jwt.decode(token, SECRET, ["HS256"], **arguments)


@pytest.mark.parametrize("leeway", [-1, "5", None, float("nan"), True])
def test_a_leeway_that_is_none_is_refused(leeway):
    token = jwt.encode({"exp": FUTURE}, SECRET)
    if leeway is None:
        assert jwt.decode(token, SECRET, ["HS256"], leeway=None)
        return
    with pytest.raises((TypeError, ValueError)):
        jwt.decode(token, SECRET, ["HS256"], leeway=leeway)


def test_a_subclass_that_overrides_what_is_never_called_is_refused():
    for name in ("_validate_exp", "_validate_claims", "_merge_options"):
        with pytest.raises(TypeError, match=f"Own overrides {name} of PyJWT"):
            type("Own", (jwt.PyJWT,), {name: lambda self, *args: None})
    with pytest.raises(TypeError, match="Own overrides _verify_signature"):
        type("Own", (jwt.PyJWS,), {"_verify_signature": lambda self, *args: None})
