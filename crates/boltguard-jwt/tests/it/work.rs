//! How work grows with the size of a token and of the requirements: counted, not timed.

use boltguard_grants::{ClaimTest, ClaimValue, Requirements};
use boltguard_jws::Verifier;
use boltguard_jwt::{Claims, ClaimsPolicy};
use boltguard_keys::Algorithm::Hs256;
use boltguard_keys::KeySet;
use boltguard_testing::{forge, keys};
use boltguard_types::work::steps;
use boltguard_types::{NumericDate, Permission};

use crate::{NOW, lenient};

/// The requirements and the policy of a service.
struct Service {
    requirements: Requirements,
    policy: ClaimsPolicy,
}

impl Service {
    fn permissions(count: usize) -> Self {
        Self::requiring(count, |requirements, number| {
            requirements.permission(&permission(&format!("a.b{number}.c{number}")));
        })
    }

    fn requiring(count: usize, require: impl Fn(&mut Requirements, usize)) -> Self {
        let mut requirements = Requirements::new();
        (0..count).for_each(|number| require(&mut requirements, number));
        Self {
            requirements,
            policy: lenient().ignoring_audience(),
        }
    }

    fn by(policy: ClaimsPolicy) -> Self {
        Self {
            requirements: Requirements::new(),
            policy,
        }
    }
}

fn permission(name: &str) -> Permission {
    Permission::new(name).unwrap()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

fn one_test(count: usize, require: fn(ClaimTest, Vec<ClaimValue>) -> ClaimTest) -> Service {
    Service::requiring(1, |requirements, _| {
        let values = (0..count as i64)
            .map(|value| ClaimValue::from(-value - 1))
            .collect();
        requirements.claim(&require(ClaimTest::new("x"), values));
    })
}

/// A claim that is a list.
fn list(name: &str, count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!(r#"{{"{name}":[{}]}}"#, items.join(","))
}

fn members(count: usize) -> String {
    let members: Vec<String> = (0..count)
        .map(|number| format!(r#""m{number}":0"#))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The number of steps to admit or reject these claims.
fn cost(service: &Service, payload: &str) -> u64 {
    let token = forge::signed(r#"{"alg":"HS256"}"#, payload, &keys::signing_key(Hs256));
    let verifier = Verifier::new(KeySet::new([keys::verifying_key(Hs256)]));
    let verified = verifier.verify(&token).unwrap();
    let now = NumericDate::from_secs(NOW);
    let admit = || {
        service
            .policy
            .admit(Claims::read(verified, &service.requirements).unwrap(), now)
    };
    steps(|| drop(admit())).0
}

type Case = (&'static str, fn(usize) -> Service, fn(usize) -> String);

/// The requirements of a service and the claims of a token, by their sizes.
const CASES: &[Case] = &[
    ("permissions", Service::permissions, |count| {
        list("permissions", count, |n| format!("\"a.b{n}.c{n}\""))
    }),
    ("one wildcard many times", Service::permissions, |count| {
        list("permissions", count, |_| "\"*\"".into())
    }),
    ("one prefix many times", Service::permissions, |count| {
        list("permissions", count, |_| "\"a.*\"".into())
    }),
    ("many prefixes", Service::permissions, |count| {
        list("permissions", count, |n| format!("\"a.b{n}.*\""))
    }),
    (
        "prefixes in prefixes",
        |count| {
            Service::requiring(count, |requirements, n| {
                requirements.permission(&permission(&format!("{}{n}", "a.".repeat(60))));
            })
        },
        |count| {
            list("permissions", count / 4, |n| {
                format!("\"{}*\"", "a.".repeat(n % 60 + 1))
            })
        },
    ),
    (
        "scopes",
        |count| {
            Service::requiring(count, |requirements, n| {
                requirements.scope(&format!("s{n}"));
            })
        },
        |count| format!(r#"{{"scope":"{}"}}"#, names("s", count).join(" ")),
    ),
    (
        "any of many values",
        |count| one_test(count, ClaimTest::any_of),
        |count| list("x", count, |n| n.to_string()),
    ),
    (
        "all of many values",
        |count| one_test(count, ClaimTest::all_of),
        |count| list("x", count, |n| format!("-{}", n + 1)),
    ),
    (
        "none of many values",
        |count| one_test(count, ClaimTest::none_of),
        |count| list("x", count, |n| n.to_string()),
    ),
    (
        "many tests of one claim",
        |count| {
            Service::requiring(count, |requirements, n| {
                requirements.claim(&ClaimTest::new("x").any_of([-(n as i64) - 1]));
            })
        },
        |count| list("x", count, |n| n.to_string()),
    ),
    (
        "tests of many claims",
        |count| {
            Service::requiring(count, |requirements, n| {
                requirements.claim(&ClaimTest::new(format!("m{n}")));
            })
        },
        members,
    ),
    (
        "many required claims",
        |count| {
            let names = names("m", count);
            Service::by(lenient().with_required(names.iter().map(String::as_str)))
        },
        members,
    ),
    (
        "rules for many claims",
        |count| {
            let rule = |policy: ClaimsPolicy, n: usize| policy.with_claim(format!("m{n}"), 0);
            Service::by((0..count).fold(lenient(), rule))
        },
        members,
    ),
    (
        "many audiences",
        |count| {
            let names = names("other", count);
            Service::by(lenient().with_audience(names.iter().map(String::as_str)))
        },
        |count| list("aud", count, |n| format!("\"a{n}\"")),
    ),
    (
        "many issuers",
        |count| {
            let names = names("other", count);
            Service::by(lenient().with_issuer(names.iter().map(String::as_str)))
        },
        |_| r#"{"iss":"a"}"#.into(),
    ),
];

#[test]
fn work_grows_with_the_sum_of_sizes() {
    for (name, service, payload) in CASES {
        for (things, size) in [(900, 500), (900, 30), (30, 500), (4, 500)] {
            let cost = cost(&service(things), &payload(size));
            let sum = (things + size) as u64;
            assert!(
                cost <= 16 * sum,
                "{name}: {cost} steps for {things} + {size}"
            );
        }
    }
}

#[test]
fn numbering_a_guard_takes_linear_work() {
    let require = |count: usize| {
        let number = || {
            Service::requiring(count, |requirements, n| {
                requirements.permission(&permission(&format!("p{n}")));
                requirements.scope(&format!("s{n}"));
                requirements.claim(&ClaimTest::new("x").any_of([n as i64]));
            })
        };
        steps(number).0
    };
    assert!(require(900) <= 10 * require(90).max(300));
}
