//! The counter of decisions.

#![cfg(feature = "metrics")]

use boltguard::{Revocation, RevocationStatus};
use boltguard_testing::observe::Counters;

use crate::refusals::Store;
use crate::support::{authenticated, bearer, jwt, layer, request, send, with_edge};

async fn send_requests() {
    let required = layer(jwt(), "authenticated");
    let private = "7c1e-private";
    let expired = bearer(&format!(r#"{{"sub":"{private}","exp":1300818999}}"#));
    send(&required, authenticated()).await;
    send(&required, authenticated()).await;
    send(&required, request(&[("authorization", &expired)])).await;
    send(&required, request(&[])).await;
    send(&layer(jwt(), "allow_any"), request(&[])).await;
    let forbidden = layer(jwt().with_name("site"), r#"perm("blog.add")"#);
    send(&forbidden, authenticated()).await;
    let external = jwt().with_revocation(Revocation::External);
    let edge = Store(RevocationStatus::Unavailable);
    send(&with_edge(external, "authenticated", edge), authenticated()).await;
}

#[test]
fn decisions_are_counted_with_bounded_labels() {
    let counters = Counters::default();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    counters.counting(|| runtime.block_on(send_requests()));
    let series = |labels: &str, value| {
        let name = "boltguard_decisions_total{integration=boltguard-tower,";
        format!("{name}{labels}}} {value}")
    };
    assert_eq!(
        counters.series(),
        [
            series("verdict=admitted,reason=none,backend=jwt", 2),
            series("verdict=admitted,reason=none,backend=none", 1),
            series("verdict=refused,reason=not_authenticated,backend=none", 1),
            series("verdict=refused,reason=permission_missing,backend=site", 1),
            series(
                "verdict=refused,reason=revocation_unavailable,backend=none",
                1
            ),
            series("verdict=refused,reason=token_expired,backend=none", 1),
        ]
    );
}
