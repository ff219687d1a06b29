//! The keys of other issuers: which of them a request needs refreshed, and which are unavailable.

use std::sync::Arc;
use std::time::Instant;

use boltguard_jwks::{Refresh, RemoteKeySet};
use boltguard_jws::UnverifiedJws;

use crate::{Backend, Gate, JwtBackend, Refusal, RequestParts};

/// Lets each backend observe its issuer's keys. Returns `false` if no backend has such keys.
pub(crate) fn observe(backends: &[Backend]) -> bool {
    let mut any = false;
    for (_, backend, keys) in with_remote_keys(backends) {
        keys.add_observer(backend);
        any = true;
    }
    any
}

/// Returns the backends that trust the keys of another issuer, each with its index.
fn with_remote_keys(
    backends: &[Backend],
) -> impl Iterator<Item = (usize, &Arc<JwtBackend>, &Arc<RemoteKeySet>)> {
    backends
        .iter()
        .enumerate()
        .filter_map(|(at, backend)| match backend {
            Backend::Jwt(jwt) => Some((at, jwt, jwt.remote_keys()?)),
            _ => None,
        })
}

/// Returns the index of the first backend, starting at `first`, whose issuer's keys have to be refreshed for this
/// request.
///
/// Stale keys must be refreshed for a token with one of their algorithms. Current keys must be refreshed for a
/// token whose `kid` they don't have and that none of them has signed, unless a key of another backend has signed it. A
/// key of another issuer with the same `kid` is irrelevant.
pub(crate) fn to_refresh(
    gate: &Gate,
    refresh: Refresh,
    first: usize,
    parts: &impl RequestParts,
    now: Instant,
) -> Option<usize> {
    with_remote_keys(gate.backends())
        .filter(|(at, _, keys)| *at >= first && !keys.is_up_to_date(refresh, now))
        .find(|(_, backend, _)| has_token_for(gate, refresh, backend, parts))
        .map(|(at, ..)| at)
}

/// Returns whether the request has a token that may verify with a key that is unknown because the last fetch failed, or
/// because one is in flight. Such a token may be genuine, so the response is 503.
pub(crate) fn keys_unavailable(gate: &Gate, parts: &impl RequestParts) -> bool {
    with_remote_keys(gate.backends()).any(|(_, backend, keys)| {
        is_incomplete(keys) && has_token_for(gate, Refresh::UnknownKid, backend, parts)
    })
}

/// Returns the refusal if an issuer's keys are unavailable: 503, with the time of the next fetch.
#[cold]
pub(crate) fn refusal(gate: &Gate, now: Instant) -> Refusal {
    let incomplete = with_remote_keys(gate.backends())
        .map(|(_, _, keys)| keys)
        .filter(|keys| is_incomplete(keys));
    let refusal = Refusal::issuer_keys_unavailable();
    match incomplete.map(|keys| keys.retry_in(now)).min() {
        Some(time) => refusal.with_retry_in(time),
        None => refusal,
    }
}

/// Returns whether the issuer may have keys that weren't fetched.
fn is_incomplete(keys: &RemoteKeySet) -> bool {
    keys.is_failing() || keys.is_fetching()
}

/// Returns whether the request has a token for which these keys may be needed.
fn has_token_for(
    gate: &Gate,
    refresh: Refresh,
    backend: &JwtBackend,
    parts: &impl RequestParts,
) -> bool {
    let token = backend.token(parts).ok().flatten();
    token.is_some_and(|(token, _)| may_need_keys(gate, refresh, backend, token))
}

/// Returns whether a token may require a fetch. Strings that aren't tokens, and tokens with algorithms that aren't
/// allowed, don't.
#[cold]
fn may_need_keys(gate: &Gate, refresh: Refresh, backend: &JwtBackend, token: &str) -> bool {
    let Ok(unverified) = UnverifiedJws::parse(token) else {
        return false;
    };
    let has_signed = |other: &Backend| match other {
        Backend::Jwt(other) => !other.may_verify_with_missing_key(token),
        _ => false,
    };
    backend.allows(unverified.unverified_header().algorithm())
        && match refresh {
            Refresh::Force | Refresh::IfStale => true,
            Refresh::UnknownKid => {
                !backend.knows_kid_of(&unverified) && !gate.backends().iter().any(has_signed)
            }
        }
}
