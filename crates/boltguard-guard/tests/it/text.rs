//! The string syntax: parsing, formatting and errors.

use boltguard_grants::{ClaimTest, ClaimValue};
use boltguard_guard::{Expected, Guard, GuardDocumentError, GuardError, ParseErrorKind};
use boltguard_types::{Permission, PermissionError};
use proptest::prelude::*;

use crate::naive::checked_exprs;

fn fails(text: &str, offset: usize, kind: ParseErrorKind) {
    let error = text.parse::<Guard>().expect_err(text);
    assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}");
}

fn expects(text: &str, offset: usize, expected: Expected) {
    fails(text, offset, ParseErrorKind::Expected(expected));
}

fn claim_values() -> impl Strategy<Value = ClaimValue> {
    prop_oneof![
        any::<bool>().prop_map(ClaimValue::from),
        any::<i64>().prop_map(ClaimValue::from),
        any::<String>().prop_map(|value| ClaimValue::from(value.as_str())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn guard_round_trips_through_all_formats(expr in checked_exprs()) {
        let guard = expr.guard();
        prop_assert_eq!(guard.to_string().parse(), Ok(guard.clone()));
        prop_assert_eq!(Guard::from_json(&guard.to_json().unwrap()), Ok(guard.clone()));
        let json = serde_json::to_string(&guard).unwrap();
        prop_assert_eq!(serde_json::from_str::<Guard>(&json).unwrap(), guard);
    }

    #[test]
    fn any_valid_name_round_trips(
        name in any::<String>(),
        lists in prop::array::uniform3(prop::collection::vec(claim_values(), 0..4)),
    ) {
        let [any, all, none] = lists;
        let mut guard = Guard::staff();
        let claim = Guard::claim(ClaimTest::new(name.as_str()).any_of(any).all_of(all).none_of(none));
        let named = [claim, Guard::check(&name), Guard::role(&name), Guard::scope(&name), Guard::via_backend(&name)];
        for other in named.into_iter().flatten().chain(Permission::new(&name).ok().map(Guard::permission)) {
            guard = guard & other;
        }
        let text = guard.to_string();
        prop_assert!(!text.contains(char::is_control));
        prop_assert_eq!(text.parse(), Ok(guard));
    }

    #[test]
    fn arbitrary_strings_do_not_panic(text in any::<String>()) {
        check_parse(&text);
    }

    #[test]
    fn arbitrary_tokens_do_not_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "~", "&", "|", " ", "\n", "é", "perm", "(\"a.b\"", "\"", "\\", "claim(", "any=", "[", "]", ",",
            "1", "-", "true", "staff", "any_perm(\"a\",\"b\")", "any_role(\"a\",\"b c\")", "role(\"a\")", "check(\"x\")", "and", "allow_any",
        ]), 0..24),
    ) {
        check_parse(&words.concat());
    }
}

/// Parses a string, and checks that a valid guard round-trips and that an error has a valid position.
fn check_parse(text: &str) {
    match text.parse::<Guard>() {
        Ok(guard) => assert_eq!(guard.to_string().parse(), Ok(guard)),
        Err(error) => {
            assert!(text.is_char_boundary(error.offset()));
            assert_eq!(error.snippet(text).to_string().lines().count(), 2);
        }
    }
}

#[test]
fn nested_operators_are_written_with_parentheses() {
    for text in [
        r#"authenticated & (perm("blog.add") | staff) & ~perm("blog.banned")"#,
        r#"(staff & via("jwt")) | admin"#,
        r#"~(staff | admin)"#,
        r#"any_perm("a", "b") & ~all_perms("c", "d")"#,
        r#"claim("amr", any=[true, 1, "x"], all=["y"], none=["z"])"#,
        r#"scope("read:org") | check("Owner(\"author_id\")")"#,
        r#"role("Shop Editors") & any_role("a", "b")"#,
        r#"role("a") & role("b")"#,
        r#"fresh_auth(300) & fresh_auth(60, acr=["gold", "silver"])"#,
        "allow_any",
        "deny_all",
    ] {
        assert_eq!(text.parse::<Guard>().unwrap().to_string(), text);
    }
}

#[test]
fn alternative_spellings_are_normalized() {
    for (text, same) in [
        ("anyone", "allow_any"),
        (" \t\r\n staff\n", "staff"),
        ("staff&admin|~~staff", "(staff & admin) | staff"),
        ("~~~staff", "~staff"),
        ("((staff))", "staff"),
        (r#"perm("a") | perm("b")"#, r#"any_perm("a", "b")"#),
        (r#"any_perm("a")"#, r#"perm("a")"#),
        (
            r#"role("a") | any_role("b", "c")"#,
            r#"any_role("a", "b", "c")"#,
        ),
        (r#"any_role("a")"#, r#"role("a")"#),
        (r#"perm("\u0061")"#, r#"perm("a")"#),
        (r#"check("\ud83d\ude00")"#, "check(\"\u{1f600}\")"),
        (
            "claim(\"a\",none=[1],any=[2,-2])",
            "claim(\"a\", any=[-2, 2], none=[1])",
        ),
    ] {
        assert_eq!(text.parse::<Guard>().unwrap().to_string(), same, "{text}");
    }
}

#[test]
fn invisible_characters_are_escaped() {
    let guard = Guard::check("pay\u{202e}eno\u{200b}").unwrap();
    assert_eq!(guard.to_string(), r#"check("pay\u202eeno\u200b")"#);
}

#[test]
fn errors_contain_kind_and_position() {
    expects("", 0, Expected::Guard);
    expects("staff &", 7, Expected::Guard);
    expects("staff & | admin", 8, Expected::Guard);
    expects("staff admin", 6, Expected::End);
    expects("(staff", 6, Expected::Within);
    expects("staff)", 5, Expected::End);
    expects("perm", 4, Expected::Opening);
    expects("perm(blog)", 5, Expected::String);
    expects(r#"perm("a""#, 8, Expected::Closing);
    expects(r#"any_perm("a" "b")"#, 13, Expected::Rest);
    expects("any_perm()", 9, Expected::String);
    expects(r#"claim("a", some=[1])"#, 11, Expected::ListName);
    expects(r#"claim("a", any[1])"#, 14, Expected::Assignment);
    expects(r#"claim("a", any=1)"#, 15, Expected::List);
    expects(r#"claim("a", any=[])"#, 16, Expected::Value);
    expects(r#"claim("a", any=[null])"#, 16, Expected::Value);
    expects(r#"claim("a", any=[1 2])"#, 18, Expected::ListRest);
    fails(
        r#"claim("a", any=[1], any=[2])"#,
        20,
        ParseErrorKind::Repeated,
    );
    fails(r#"claim("a", any=[1.5])"#, 16, ParseErrorKind::Integer);
    fails(
        r#"claim("a", any=[9223372036854775808])"#,
        16,
        ParseErrorKind::Integer,
    );
    fails("perm('a')", 5, ParseErrorKind::String);
    fails(r#"perm("a"#, 5, ParseErrorKind::String);
    fails(r#"perm("\x")"#, 5, ParseErrorKind::String);
    fails("perm(\"a\nb\")", 5, ParseErrorKind::String);
    fails(
        r#"perm("blog.*")"#,
        5,
        ParseErrorKind::Permission(PermissionError::Wildcard),
    );
    fails(
        r#"staff | scope("a b")"#,
        14,
        ParseErrorKind::Argument(GuardError::ScopeName),
    );
    fails(
        r#"any_role("a", " b")"#,
        14,
        ParseErrorKind::Argument(GuardError::RoleName),
    );
    for (text, at, error) in [
        ("fresh_auth(0)", 11, GuardError::MaxAge),
        ("fresh_auth(-1)", 11, GuardError::MaxAge),
        ("fresh_auth(4294967296)", 11, GuardError::MaxAge),
        (r#"fresh_auth(1, acr=["a b"])"#, 11, GuardError::AcrValues),
        (r#"fresh_auth(1, acr=["\""])"#, 11, GuardError::AcrValues),
        (r#"fresh_auth(1, acr=[""])"#, 11, GuardError::AcrValues),
        (r#"fresh_auth(1, acr=["é"])"#, 11, GuardError::AcrValues),
    ] {
        fails(text, at, ParseErrorKind::Argument(error));
    }
    fails("fresh_auth(1.5)", 11, ParseErrorKind::Integer);
    expects(r#"fresh_auth(1, ["a"])"#, 14, Expected::Acr);
    expects("fresh_auth(1, acr=[])", 19, Expected::String);
    expects("any_role()", 9, Expected::String);
    fails("rolle", 0, ParseErrorKind::UnknownAtom(Some("role")));
    fails("staff and admin", 6, ParseErrorKind::ForeignOperator("&"));
    fails("staff && admin", 6, ParseErrorKind::ForeignOperator("&"));
    fails("staff || admin", 6, ParseErrorKind::ForeignOperator("|"));
    fails("not staff", 0, ParseErrorKind::ForeignOperator("~"));
    fails("!staff", 0, ParseErrorKind::ForeignOperator("~"));
    fails("staf", 0, ParseErrorKind::UnknownAtom(Some("staff")));
    fails(
        "IsAuthenticated()",
        0,
        ParseErrorKind::UnknownAtom(Some("authenticated")),
    );
    fails("HasPermission", 0, ParseErrorKind::UnknownAtom(None));
}

#[test]
fn lines_and_columns_are_counted_in_characters() {
    let text = "staff &\n  (perm(\"é\") | x)";
    let error = text.parse::<Guard>().unwrap_err();
    assert_eq!((error.offset(), error.line(), error.column()), (24, 2, 16));
    assert_eq!(
        error.snippet(text).to_string(),
        "  (perm(\"é\") | x)\n               ^"
    );
}

#[test]
fn snippet_is_short_and_printable() {
    let text = format!("{} & \u{1b}[31m", vec!["staff"; 500].join(" & "));
    let error = text.parse::<Guard>().unwrap_err();
    let snippet = error.snippet(&text).to_string();
    assert!(
        snippet.chars().count() < 200 && !snippet.contains('\u{1b}'),
        "{snippet}"
    );
    let (line, caret) = snippet.split_once('\n').unwrap();
    assert_eq!(
        line.chars().nth(caret.chars().count() - 1),
        Some('\u{fffd}')
    );
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| format!("{}staff{}", "(".repeat(depth), ")".repeat(depth));
    assert!(nested(64).parse::<Guard>().is_ok());
    fails(&nested(65), 64, ParseErrorKind::TooDeep);
    fails(&nested(30_000), 64, ParseErrorKind::TooDeep);
    assert!(
        format!("{}staff", "~".repeat(60_000))
            .parse::<Guard>()
            .is_ok()
    );

    assert!(vec!["(staff)"; 500].join(" & ").parse::<Guard>().is_ok());

    let alternating = |depth: usize| {
        format!(
            "{}staff{}",
            "(staff | admin & ".repeat(depth),
            ")".repeat(depth)
        )
    };
    assert!(alternating(32).parse::<Guard>().is_ok());
    fails(&alternating(33), 0, ParseErrorKind::TooDeep);

    let long = |atoms: usize| vec!["staff"; atoms].join("&");
    assert!(long(1_000).parse::<Guard>().is_ok());
    fails(&long(1_001), 6_000, ParseErrorKind::TooLarge);
    let listed = |atoms: usize| format!("any_perm({})", vec!["\"a\""; atoms].join(","));
    assert!(listed(1_000).parse::<Guard>().is_ok());
    assert_eq!(
        listed(1_001).parse::<Guard>().unwrap_err().kind(),
        ParseErrorKind::TooLarge
    );
    fails(&" ".repeat(64 * 1024 + 1), 0, ParseErrorKind::TooLarge);
}

#[test]
fn rejects_documents_of_other_versions_or_shapes() {
    let error = |json: &str| Guard::from_json(json).unwrap_err();
    assert_eq!(
        error(r#"{"version": 2, "guard": {}, "more": 1}"#),
        GuardDocumentError::Version
    );
    for json in [
        "",
        "\"staff\"",
        r#"{"guard": "staff"}"#,
        r#"{"version": 1}"#,
        r#"{"version": "1", "guard": "staff"}"#,
        r#"{"version": 1, "guard": "staff", "more": 1}"#,
        r#"{"version": 1, "guard": "staff", "guard": "allow_any"}"#,
        r#"{"version": 1, "version": 1, "guard": "staff"}"#,
    ] {
        assert!(
            matches!(error(json), GuardDocumentError::Json { .. }),
            "{json}"
        );
    }
    let GuardDocumentError::Guard(error) = error(r#"{"version": 1, "guard": "staf"}"#) else {
        panic!("expected an error in the guard");
    };
    assert_eq!(error.kind(), ParseErrorKind::UnknownAtom(Some("staff")));
}

#[test]
fn guard_over_the_limits_is_not_serialized() {
    let long = (0..1_000).fold(Guard::staff(), |guard, _| guard & Guard::staff());
    assert_eq!(long.to_json(), Err(GuardError::TooLarge));
    assert!(serde_json::to_string(&long).is_err());
    let wide = Guard::check(&"x".repeat(70_000)).unwrap();
    assert_eq!(wide.to_json(), Err(GuardError::TooLarge));
}

#[test]
fn guard_over_the_limits_is_not_compiled() {
    let long = |atoms| (1..atoms).fold(Guard::staff(), |guard, _| guard & Guard::staff());
    let deep = |depth| {
        (0..depth).fold(Guard::staff(), |guard, number| match number % 2 {
            0 => guard & Guard::admin(),
            _ => !(guard | Guard::admin()),
        })
    };
    let wide = |bytes| Guard::check(&"x".repeat(bytes - r#"check("")"#.len())).unwrap();
    for (fits, too_large) in [
        (long(1_000), long(1_001)),
        (deep(64), deep(65)),
        (wide(64 * 1024), wide(64 * 1024 + 1)),
    ] {
        assert!(fits.compile().is_ok() && fits.check_size().is_ok());
        assert_eq!(fits.to_string().parse(), Ok(fits));
        assert_eq!(too_large.compile().unwrap_err(), GuardError::TooLarge);
    }
    let message = GuardError::TooLarge.to_string();
    assert!(
        message.contains("64 levels") && message.contains("1000 atoms"),
        "{message}"
    );
}

#[test]
fn rejects_lists_over_the_limits() {
    let names = |count| vec![Permission::new("a").unwrap(); count];
    let guards = |count| vec![Guard::staff(); count];
    assert!(Guard::any_permission(names(1_000)).is_ok() && Guard::all(guards(1_000)).is_ok());
    for too_long in [
        Guard::any_permission(names(1_001)),
        Guard::all_permissions(names(1_001)),
        Guard::any(guards(1_001)),
        Guard::all(guards(1_001)),
    ] {
        assert_eq!(too_long, Err(GuardError::TooLarge));
    }
}

#[test]
fn rejects_claim_without_a_name() {
    assert_eq!(Guard::claim(ClaimTest::new("")), Err(GuardError::ClaimName));
    fails(
        r#"claim( "", any=[1])"#,
        7,
        ParseErrorKind::Argument(GuardError::ClaimName),
    );
}

#[test]
fn serde_errors_contain_the_position() {
    let error = serde_json::from_str::<Guard>(r#""staff & adm""#)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("line 1, column 9: unknown atom"),
        "{error}"
    );
    let error = serde_json::from_str::<Guard>("null")
        .unwrap_err()
        .to_string();
    assert!(error.contains("expected a guard such as"), "{error}");
}
