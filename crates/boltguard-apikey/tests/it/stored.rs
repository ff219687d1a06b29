//! Generated keys: storage, verification, revocation and rotation.

use std::thread;
use std::time::Duration;

use boltguard_apikey::{
    ApiKeyError, ApiKeyVerifier, GeneratedKey, KeyDigest, KeyFormat, MemoryKeyStore, Peppers,
    StoredKey,
};
use boltguard_keys::Secret;
use boltguard_types::{NumericDate, ReasonCode};

const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);

fn later(secs: u64) -> NumericDate {
    NOW + Duration::from_secs(secs)
}

fn peppers(secret: &str) -> Peppers {
    Peppers::new(Secret::new(secret.as_bytes()).expect("the secret is valid"))
}

fn generate() -> (GeneratedKey, StoredKey, ApiKeyVerifier) {
    let format = KeyFormat::new("sk").expect("the prefix is valid");
    let key = format.generate().expect("randomness is available");
    let stored = StoredKey::new(&key, &peppers("pepper"), NOW);
    (key, stored, ApiKeyVerifier::new(format, peppers("pepper")))
}

/// Returns a key with this ID and secret and a correct checksum.
fn key_with_checksum(id: &str, secret: &str) -> String {
    let body = format!("sk_{id}_{secret}");
    let bit = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    let byte = |crc, byte: u8| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc));
    let mut number = !body.bytes().fold(u32::MAX, byte);
    let mut digits: Vec<char> = Vec::new();
    for _ in 0..6 {
        let digit = (number % 62) as u8;
        let from = [(b'0', 0..10), (b'A', 10..36), (b'a', 36..62)];
        let (first, range) = from
            .iter()
            .find(|(_, range)| range.contains(&digit))
            .expect("the digit is below 62");
        digits.insert(0, char::from(first + digit - range.start));
        number /= 62;
    }
    body + &digits.iter().collect::<String>()
}

#[test]
fn key_without_owner_has_its_own_user_id() {
    let (key, stored, verifier) = generate();
    let store = MemoryKeyStore::from_iter([stored.with_permissions(["a.*"]).with_scopes(["read"])]);
    let caller = verifier.verify(&store, key.expose(), NOW).unwrap();
    assert_eq!(caller.user_id(), format!("apikey:{}", key.id()));
    assert!(caller.permissions().eq(["a.*"]) && caller.scopes().eq(["read"]));
    assert_eq!(caller.owner(), None);
}

#[test]
fn rejects_key_from_its_expiry_date_on() {
    let (key, stored, verifier) = generate();
    let store = MemoryKeyStore::from_iter([stored.expiring(later(10))]);
    assert!(verifier.verify(&store, key.expose(), later(9)).is_ok());
    let error = verifier
        .verify(&store, key.expose(), later(10))
        .unwrap_err();
    assert_eq!(
        (error, error.code()),
        (ApiKeyError::Expired, ReasonCode::ApiKeyExpired)
    );
}

#[test]
fn expiry_date_is_never_postponed() {
    let (_, stored, _) = generate();
    let stored = stored
        .expiring(later(10))
        .expiring(later(20))
        .expiring(later(15));
    assert_eq!(stored.expires_at(), Some(later(10)));
}

#[test]
fn rejects_revoked_key_before_its_revocation_date() {
    let (key, stored, verifier) = generate();
    let store = MemoryKeyStore::from_iter([stored]);
    assert!(store.revoke(key.id(), later(60)));
    let error = verifier.verify(&store, key.expose(), NOW).unwrap_err();
    assert_eq!(
        (error, error.code()),
        (ApiKeyError::Revoked, ReasonCode::ApiKeyRevoked)
    );
}

#[test]
fn wrong_secret_does_not_reveal_revocation() {
    let (key, stored, verifier) = generate();
    let stored = stored.with_revocation(NOW).expiring(NOW);
    let other = verifier.format().generate().unwrap();
    let impostor = key_with_checksum(key.id(), &other.expose()[16..59]);
    let parsed = verifier.parse(&impostor).unwrap();
    assert_eq!(parsed.id(), key.id());
    for found in [Some(&stored), None] {
        let error = verifier.admit(&parsed, found, NOW).unwrap_err();
        assert_eq!(
            (error, error.code()),
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
fn zero_digest_matches_no_key() {
    let (key, _, verifier) = generate();
    let empty = StoredKey::from_parts(key.id(), KeyDigest::from_bytes([0; 32]), NOW);
    let parsed = verifier.parse(key.expose()).unwrap();
    assert_eq!(
        verifier.admit(&parsed, Some(&empty), NOW),
        Err(ApiKeyError::Unknown)
    );
}

#[test]
fn rejects_digest_with_another_pepper() {
    let (key, _, verifier) = generate();
    let foreign = StoredKey::new(&key, &peppers("other"), NOW);
    let store = MemoryKeyStore::from_iter([foreign]);
    assert_eq!(
        verifier.verify(&store, key.expose(), NOW),
        Err(ApiKeyError::Unknown)
    );
}

#[test]
fn digest_with_old_pepper_is_accepted_and_replaceable() {
    let (key, stored, verifier) = generate();
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
fn digest_round_trips_through_bytes() {
    let (key, stored, verifier) = generate();
    let row = *stored.digest().as_bytes();
    let loaded = StoredKey::from_parts(key.id(), KeyDigest::from_bytes(row), NOW);
    let parsed = verifier.parse(key.expose()).unwrap();
    assert!(verifier.admit(&parsed, Some(&loaded), NOW).is_ok());
}

#[test]
fn renewed_key_keeps_owner_and_grants() {
    let (_, stored, verifier) = generate();
    let old = stored
        .owned_by("7")
        .with_permissions(["a"])
        .with_scopes(["b"])
        .expiring(later(5))
        .with_revocation(NOW);
    let key = verifier.format().generate().unwrap();
    let new = old.rotated(&key, &peppers("pepper"), later(1));
    assert_eq!((new.id(), new.owner().unwrap().as_str()), (key.id(), "7"));
    assert_eq!(
        (new.created_at(), new.expires_at(), new.revoked_at()),
        (later(1), None, None)
    );
    assert!(new.entry().permissions().eq(["a"]) && new.entry().scopes().eq(["b"]));
    assert_eq!(
        (new.entry().user_id(), new.entry().owner()),
        ("7", Some("7"))
    );
}

#[test]
fn debug_hides_digests() {
    let (_, stored, verifier) = generate();
    let output = format!("{stored:?} {verifier:?}");
    assert!(
        output.contains("KeyDigest(..)") && output.contains("Secret(..)"),
        "{output}"
    );
}

mod memory_store {
    use super::*;

    #[test]
    fn last_use_is_kept_until_taken() {
        let (key, stored, verifier) = generate();
        let (_, unused, _) = generate();
        let store = MemoryKeyStore::from_iter([stored.clone(), unused]);
        assert!(store.take_uses().is_empty());
        for now in [NOW, NOW, later(3)] {
            verifier.verify(&store, key.expose(), now).unwrap();
        }
        let uses = store.take_uses();
        assert_eq!(
            uses.iter()
                .map(|last_use| (last_use.id(), last_use.at()))
                .collect::<Vec<_>>(),
            [(key.id(), later(3))]
        );
        assert!(store.take_uses().is_empty());
        store.replace([stored]);
        verifier.verify(&store, key.expose(), later(3)).unwrap();
        assert_eq!(store.take_uses().len(), 1);
    }

    #[test]
    fn rejected_key_is_not_recorded() {
        let (key, stored, verifier) = generate();
        let store = MemoryKeyStore::from_iter([stored.expiring(later(1))]);
        verifier.verify(&store, key.expose(), later(1)).unwrap_err();
        let other = verifier.format().generate().unwrap();
        let impostor = key_with_checksum(key.id(), &other.expose()[16..59]);
        verifier.verify(&store, &impostor, NOW).unwrap_err();
        assert!(store.take_uses().is_empty());
    }

    #[test]
    fn use_with_old_pepper_has_new_digest() {
        let (key, stored, verifier) = generate();
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
    fn update_adds_and_removes_keys() {
        let (first, stored, _) = generate();
        let (second, other, _) = generate();
        let store = MemoryKeyStore::from_iter([stored.clone()]);
        store.revoke(first.id(), NOW);
        store.update([other.expiring(NOW)], [first.id(), "unknown"]);
        assert!(store.get(first.id()).is_none());
        assert_eq!(store.get(second.id()).unwrap().expires_at(), Some(NOW));
        store.insert(stored);
        assert!(store.get(first.id()).unwrap().revoked_at().is_none());
    }

    #[test]
    fn old_snapshot_does_not_undo_revocation() {
        let (key, stored, _) = generate();
        let store = MemoryKeyStore::from_iter([stored.clone()]);
        store.revoke(key.id(), NOW);
        for _ in 0..2 {
            store.replace([stored.clone()]);
            assert!(store.get(key.id()).unwrap().revoked_at().is_some());
        }
        store.insert(stored.clone());
        assert!(store.get(key.id()).unwrap().revoked_at().is_some());
        store.replace([]);
        assert!(store.get(key.id()).is_none() && store.is_empty());
        store.replace([stored]);
        assert!(store.get(key.id()).unwrap().revoked_at().is_none());
    }

    #[test]
    fn revoking_unknown_key_returns_false() {
        assert!(!MemoryKeyStore::new().revoke("none", NOW));
    }

    #[test]
    fn concurrent_changes_are_all_applied() {
        let store = MemoryKeyStore::new();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..50 {
                        let (key, stored, _) = generate();
                        store.insert(stored);
                        assert!(round % 2 == 0 || store.revoke(key.id(), NOW));
                        assert_eq!(
                            store.get(key.id()).unwrap().revoked_at().is_some(),
                            round % 2 == 1
                        );
                    }
                });
            }
        });
        assert_eq!(store.len(), 200);
    }
}
