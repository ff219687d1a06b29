//! The counter of decisions.

#![cfg(feature = "metrics")]

use actix_web::web;
use boltguard_testing::observe::Counters;

use crate::support::{authenticated, guard, request, send};

async fn send_requests() {
    for (rule, request) in [
        ("authenticated", authenticated()),
        ("authenticated", request(&[])),
        (r#"perm("blog.add")"#, authenticated()),
    ] {
        send(&guard(rule), web::get().to(async || "ok"), request).await;
    }
}

#[test]
fn decisions_are_counted_with_bounded_labels() {
    let counters = Counters::default();
    counters.counting(|| actix_web::rt::System::new().block_on(send_requests()));
    let series = |labels: &str| {
        let name = "boltguard_decisions_total{integration=boltguard-actix,";
        format!("{name}{labels}}} 1")
    };
    assert_eq!(
        counters.series(),
        [
            series("verdict=admitted,reason=none,backend=jwt"),
            series("verdict=refused,reason=not_authenticated,backend=none"),
            series("verdict=refused,reason=permission_missing,backend=jwt"),
        ]
    );
}
