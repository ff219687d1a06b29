//! Generated keys that are stored, presented, revoked and renewed.

use std::thread;
use std::time::Duration;

use boltguard_apikey::{
    ApiKeyError, ApiKeyVerifier, GeneratedKey, KeyDigest, KeyFormat, KeyStore, MemoryKeyStore,
    Peppers, StoredKey,
};
use boltguard_keys::Secret;
use boltguard_types::{NumericDate, ReasonCode};

const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

fn later(secs: u64) -> NumericDate {
    NOW + Duration::from_secs(secs)
}

fn peppers(text: &str) -> Peppers {
    Peppers::new(Secret::new(text.as_bytes()).expect("a secret"))
}

fn made() -> (GeneratedKey, StoredKey, ApiKeyVerifier) {
    let format = KeyFormat::new("sk").expect("a prefix");
    let key = format.generate().expect("a key");
    let stored = StoredKey::new(&key, &peppers("pepper"), NOW);
    (key, stored, ApiKeyVerifier::new(format, peppers("pepper")))
}

/// A key of this id and secret with the checksum that belongs to it.
fn forged(id: &str, secret: &str) -> String {
    let text = format!("sk_{id}_{secret}");
    let bit = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    let byte = |crc, byte: u8| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc));
    let mut number = !text.bytes().fold(u32::MAX, byte);
    let mut digits: Vec<char> = Vec::new();
    for _ in 0..6 {
        let digit = (number % 62) as u8;
        let from = [(b'0', 0..10), (b'A', 10..36), (b'a', 36..62)];
        let (first, range) = from
            .iter()
            .find(|(_, range)| range.contains(&digit))
            .expect("below 62");
        digits.insert(0, char::from(first + digit - range.start));
        number /= 62;
    }
    text + &digits.iter().collect::<String>()
}

#[test]
fn a_key_without_an_owner_stands_for_itself() {
    let (key, stored, verifier) = made();
    let store = MemoryKeyStore::from_iter([stored.with_permissions(["a.*"]).with_scopes(["read"])]);
    let caller = verifier.verify(&store, key.expose(), NOW).unwrap();
    assert_eq!(caller.user_id(), format!("apikey:{}", key.id()));
    assert!(caller.permissions().eq(["a.*"]) && caller.scopes().eq(["read"]));
    assert_eq!((caller.identity().scopes.len(), caller.owner()), (1, None));
}

#[test]
fn a_key_is_refused_from_its_end_on() {
    let (key, stored, verifier) = made();
    let store = MemoryKeyStore::from_iter([stored.expiring(later(10))]);
    assert!(verifier.verify(&store, key.expose(), later(9)).is_ok());
    let refused = verifier
        .verify(&store, key.expose(), later(10))
        .unwrap_err();
    assert_eq!(
        (refused, refused.code()),
        (ApiKeyError::Expired, ReasonCode::ApiKeyExpired)
    );
}

#[test]
fn an_end_comes_nearer_and_never_moves_away() {
    let (_, stored, _) = made();
    let stored = stored
        .expiring(later(10))
        .expiring(later(20))
        .expiring(later(15));
    assert_eq!(stored.expires(), Some(later(10)));
}

#[test]
fn a_revoked_key_is_refused_whatever_the_clock_says() {
    let (key, stored, verifier) = made();
    let store = MemoryKeyStore::from_iter([stored]);
    assert!(store.revoke(key.id(), later(60)));
    let refused = verifier.verify(&store, key.expose(), NOW).unwrap_err();
    assert_eq!(
        (refused, refused.code()),
        (ApiKeyError::Revoked, ReasonCode::ApiKeyRevoked)
    );
}

#[test]
fn a_stranger_is_told_nothing_of_a_key() {
    let (key, stored, verifier) = made();
    let stored = stored.revoked_at(NOW).expiring(NOW);
    let other = verifier.format().generate().unwrap();
    let impostor = forged(key.id(), &other.expose()[16..59]);
    let parsed = verifier.parse(&impostor).unwrap();
    assert_eq!(parsed.id(), key.id());
    for found in [Some(&stored), None] {
        let refused = verifier.admit(&parsed, found, NOW).unwrap_err();
        assert_eq!(
            (refused, refused.code()),
            (ApiKeyError::Unknown, ReasonCode::ApiKeyInvalid)
        );
    }
    let parsed = verifier.parse(key.expose()).unwrap();
    assert_eq!(
        verifier.admit(&parsed, Some(&stored), NOW).unwrap_err(),
        ApiKeyError::Revoked
    );
}

#[test]
fn the_empty_digest_admits_nobody() {
    let (key, _, verifier) = made();
    let empty = StoredKey::from_parts(key.id(), KeyDigest::from_bytes([0; 32]), NOW);
    let parsed = verifier.parse(key.expose()).unwrap();
    assert_eq!(
        verifier.admit(&parsed, Some(&empty), NOW),
        Err(ApiKeyError::Unknown)
    );
}

#[test]
fn a_digest_under_another_pepper_is_of_no_use() {
    let (key, _, verifier) = made();
    let foreign = StoredKey::new(&key, &peppers("other"), NOW);
    let store = MemoryKeyStore::from_iter([foreign]);
    assert_eq!(
        verifier.verify(&store, key.expose(), NOW),
        Err(ApiKeyError::Unknown)
    );
}

#[test]
fn digests_of_an_old_pepper_are_accepted_and_can_be_brought_up_to_date() {
    let (key, stored, verifier) = made();
    let rotated = peppers("new")
        .with_old(Secret::new(b"older").unwrap())
        .with_old(Secret::new(b"pepper").unwrap());
    let rotated_verifier = ApiKeyVerifier::new(verifier.format().clone(), rotated.clone());
    let parsed = verifier.parse(key.expose()).unwrap();
    assert!(rotated_verifier.admit(&parsed, Some(&stored), NOW).is_ok());
    assert_ne!(stored.digest(), &parsed.digest(&rotated));

    let current = stored.with_digest(parsed.digest(&rotated));
    let only_new = ApiKeyVerifier::new(verifier.format().clone(), peppers("new"));
    assert!(only_new.admit(&parsed, Some(&current), NOW).is_ok());
    assert!(verifier.admit(&parsed, Some(&current), NOW).is_err());
}

#[test]
fn a_digest_survives_being_written_down() {
    let (key, stored, verifier) = made();
    let row = *stored.digest().as_bytes();
    let read = StoredKey::from_parts(key.id(), KeyDigest::from_bytes(row), NOW);
    let parsed = verifier.parse(key.expose()).unwrap();
    assert!(verifier.admit(&parsed, Some(&read), NOW).is_ok());
}

#[test]
fn a_renewed_key_has_the_owner_and_the_grants_but_not_the_end() {
    let (_, stored, verifier) = made();
    let old = stored
        .owned_by("7")
        .with_permissions(["a"])
        .with_scopes(["b"])
        .expiring(later(5))
        .revoked_at(NOW);
    let key = verifier.format().generate().unwrap();
    let new = old.renewed(&key, &peppers("pepper"), later(1));
    assert_eq!((new.id(), new.owner().unwrap().as_str()), (key.id(), "7"));
    assert_eq!(
        (new.created(), new.expires(), new.revoked()),
        (later(1), None, None)
    );
    assert!(new.entry().permissions().eq(["a"]) && new.entry().scopes().eq(["b"]));
    assert_eq!(
        (new.entry().user_id(), new.entry().owner()),
        ("7", Some("7"))
    );
}

#[test]
fn nothing_shows_a_digest() {
    let (_, stored, verifier) = made();
    let shown = format!("{stored:?} {verifier:?}");
    assert!(
        shown.contains("KeyDigest(..)") && shown.contains("Secret(..)"),
        "{shown}"
    );
}

mod memory_store {
    use super::*;

    #[test]
    fn the_last_use_of_a_key_waits_to_be_written_down() {
        let (key, stored, verifier) = made();
        let (_, unused, _) = made();
        let store = MemoryKeyStore::from_iter([stored.clone(), unused]);
        assert!(store.take_uses().is_empty());
        for now in [NOW, NOW, later(3)] {
            verifier.verify(&store, key.expose(), now).unwrap();
        }
        let uses = store.take_uses();
        assert_eq!(
            uses.iter()
                .map(|one| (one.id(), one.at()))
                .collect::<Vec<_>>(),
            [(key.id(), later(3))]
        );
        assert!(store.take_uses().is_empty());
        store.replace([stored]);
        verifier.verify(&store, key.expose(), later(3)).unwrap();
        assert_eq!(store.take_uses().len(), 1);
    }

    #[test]
    fn a_refused_key_was_not_used() {
        let (key, stored, verifier) = made();
        let store = MemoryKeyStore::from_iter([stored.expiring(later(1))]);
        verifier.verify(&store, key.expose(), later(1)).unwrap_err();
        let other = verifier.format().generate().unwrap();
        let impostor = forged(key.id(), &other.expose()[16..59]);
        verifier.verify(&store, &impostor, NOW).unwrap_err();
        assert!(store.take_uses().is_empty());
    }

    #[test]
    fn the_use_of_a_key_under_an_old_pepper_brings_the_new_digest() {
        let (key, stored, verifier) = made();
        let store = MemoryKeyStore::from_iter([stored.clone()]);
        let rotated = peppers("new").with_old(Secret::new(b"pepper").unwrap());
        let rotated_verifier = ApiKeyVerifier::new(verifier.format().clone(), rotated.clone());
        rotated_verifier.verify(&store, key.expose(), NOW).unwrap();
        let uses = store.take_uses();
        assert_eq!(uses[0].digest(), stored.digest());
        let digest = *uses[0].new_digest().unwrap();
        assert_eq!(digest, key.digest(&rotated));

        store.insert(stored.with_digest(digest));
        rotated_verifier.verify(&store, key.expose(), NOW).unwrap();
        assert!(store.take_uses()[0].new_digest().is_none());
    }

    #[test]
    fn keys_change_and_go_together() {
        let (first, stored, _) = made();
        let (second, other, _) = made();
        let store = MemoryKeyStore::from_iter([stored.clone()]);
        store.revoke(first.id(), NOW);
        store.update([other.expiring(NOW)], [first.id(), "unknown"]);
        assert!(store.find(first.id()).is_none());
        assert_eq!(store.find(second.id()).unwrap().expires(), Some(NOW));
        store.insert(stored);
        assert!(store.find(first.id()).unwrap().revoked().is_none());
    }

    #[test]
    fn an_old_snapshot_does_not_bring_a_revoked_key_back() {
        let (key, stored, _) = made();
        let store = MemoryKeyStore::from_iter([stored.clone()]);
        store.revoke(key.id(), NOW);
        for _ in 0..2 {
            store.replace([stored.clone()]);
            assert!(store.find(key.id()).unwrap().revoked().is_some());
        }
        store.insert(stored.clone());
        assert!(store.find(key.id()).unwrap().revoked().is_some());
        store.replace([]);
        assert!(store.find(key.id()).is_none() && store.is_empty());
        store.replace([stored]);
        assert!(store.find(key.id()).unwrap().revoked().is_none());
    }

    #[test]
    fn revoking_an_unknown_key_is_told() {
        assert!(!MemoryKeyStore::new().revoke("none", NOW));
    }

    #[test]
    fn changes_of_several_threads_all_count() {
        let store = MemoryKeyStore::new();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..50 {
                        let (key, stored, _) = made();
                        store.insert(stored);
                        assert!(turn % 2 == 0 || store.revoke(key.id(), NOW));
                        assert_eq!(
                            store.find(key.id()).unwrap().revoked().is_some(),
                            turn % 2 == 1
                        );
                    }
                });
            }
        });
        assert_eq!(store.len(), 200);
    }
}
