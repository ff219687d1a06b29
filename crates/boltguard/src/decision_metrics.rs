//! The counter of decisions, for integrations.

use crate::{AdmittedCaller, Refusal};

/// Counts the decision of a gate, with the feature `metrics`: the counter `boltguard_decisions_total`.
///
/// `integration` is the name of the crate that received the request, such as `boltguard-tower`. It must not depend on
/// the request. The other labels are bounded, too: `verdict` is `admitted` or `refused`, `reason` is a
/// [reason code](crate::types::ReasonCode) or `none`, and `backend` is the name of the backend that identified the
/// caller, or `none`.
pub fn count_decision(integration: &'static str, decision: &Result<AdmittedCaller, Refusal>) {
    let (verdict, reason, backend) = match decision {
        Ok(caller) => ("admitted", "none", caller.backend()),
        Err(refusal) => {
            let backend = refusal.caller().and_then(|caller| caller.backend());
            ("refused", refusal.reason().as_str(), backend)
        }
    };
    metrics::counter!(
        "boltguard_decisions_total",
        "integration" => integration,
        "verdict" => verdict,
        "reason" => reason,
        "backend" => backend.unwrap_or("none").to_owned(),
    )
    .increment(1);
}
