//! Parsing and verification of refresh tokens.

use std::sync::LazyLock;

use boltguard::keys::Secret;
use boltguard::session::{SessionId, SessionKeys, UnverifiedRefreshToken};

static KEYS: LazyLock<SessionKeys> = LazyLock::new(|| {
    let secret = Secret::new(b"a secret that is thirty-two bytes");
    SessionKeys::new(&secret.expect("the secret is valid"))
});

pub(super) fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check_parsing(text);
    }
    if let Some((generation, id)) = data.split_first_chunk::<4>() {
        let id = std::str::from_utf8(id).ok().and_then(SessionId::parse);
        id.iter()
            .for_each(|id| check_issuing(id, u32::from_be_bytes(*generation)));
    }
}

fn check_parsing(text: &str) {
    let Some(token) = UnverifiedRefreshToken::parse(text) else {
        return;
    };
    let rest = text.strip_prefix("bgr_").expect("the token has the prefix");
    assert!(rest.starts_with(token.unverified_session_id()) && text.is_ascii());
    assert!(UnverifiedRefreshToken::parse(&with_other_end(text)).is_none());
    // Each verified token has exactly one string.
    if let Some(verified) = KEYS.verify(&token) {
        let issued = KEYS.issue(verified.session_id(), verified.generation());
        assert_eq!(issued.expose(), text);
    }
}

fn check_issuing(id: &SessionId, generation: u32) {
    let token = KEYS.issue(id, generation);
    let parsed = UnverifiedRefreshToken::parse(token.expose()).expect("issued tokens are valid");
    let verified = KEYS.verify(&parsed).expect("issued tokens are verified");
    assert_eq!(
        (verified.session_id(), verified.generation()),
        (id, generation)
    );
}

/// Changes the last character, which belongs to the checksum.
fn with_other_end(text: &str) -> String {
    let (start, end) = text.split_at(text.len() - 1);
    format!("{start}{}", if end == "0" { '1' } else { '0' })
}
