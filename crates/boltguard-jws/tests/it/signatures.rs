//! Signatures that are almost valid.

use boltguard_jws::JwsError;
use boltguard_keys::Algorithm;
use boltguard_testing::{forge, keys};

use crate::{PAYLOAD, verify};

/// A genuine signature of the algorithm, as bytes, with the header.
fn genuine(algorithm: Algorithm) -> (String, Vec<u8>) {
    let header = format!(r#"{{"alg":"{algorithm}"}}"#);
    let input = format!("{}.{}", forge::segment(&header), forge::segment(PAYLOAD));
    let signature = keys::signing_key(algorithm).sign(input.as_bytes()).unwrap();
    (header, signature.as_ref().to_vec())
}

fn check(algorithm: Algorithm, change: impl Fn(&[u8]) -> Vec<u8>) {
    let (header, signature) = genuine(algorithm);
    let changed = change(&signature);
    if changed != signature {
        let token = forge::token(&header, PAYLOAD, &changed);
        assert_eq!(
            verify(&token, algorithm),
            Err(JwsError::SignatureInvalid),
            "{algorithm} {changed:?}"
        );
    }
    assert!(verify(&forge::token(&header, PAYLOAD, &signature), algorithm).is_ok());
}

#[test]
fn no_signature_is_none() {
    for algorithm in Algorithm::ALL {
        check(*algorithm, |_| Vec::new());
    }
}

#[test]
fn a_signature_has_one_length() {
    for algorithm in Algorithm::ALL {
        check(*algorithm, |whole| whole[..whole.len() - 1].to_vec());
        check(*algorithm, |whole| whole[1..].to_vec());
        check(*algorithm, |whole| [whole, &[0]].concat());
        check(*algorithm, |whole| [&[0], whole].concat());
        check(*algorithm, |whole| [whole, whole].concat());
        check(*algorithm, |whole| {
            [whole, &vec![0; 8_000 - whole.len()]].concat()
        });
    }
}

#[test]
fn no_bit_of_a_signature_may_differ() {
    for algorithm in Algorithm::ALL
        .iter()
        .filter(|algorithm| algorithm.is_symmetric())
    {
        for bit in 0..algorithm.hash_len() * 8 {
            check(*algorithm, |whole| {
                let mut changed = whole.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                changed
            });
        }
    }
    for algorithm in Algorithm::ALL {
        for at in [0, 31, 32, 63] {
            check(*algorithm, |whole| {
                let mut changed = whole.to_vec();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1;
                }
                changed
            });
        }
    }
}

#[test]
fn constant_is_not_a_signature() {
    for algorithm in Algorithm::ALL {
        for byte in [0, 1, 0xff] {
            check(*algorithm, |whole| vec![byte; whole.len()]);
        }
    }
}

#[test]
fn the_halves_of_a_signature_have_their_order() {
    for algorithm in [
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ] {
        check(algorithm, |whole| {
            let (first, second) = whole.split_at(whole.len() / 2);
            [second, first].concat()
        });
    }
}

#[test]
fn the_der_of_an_ecdsa_signature_is_none() {
    // RFC 7518 §3.4: the two numbers at full length, not the ASN.1 of X9.62.
    for algorithm in [Algorithm::Es256, Algorithm::Es384] {
        check(algorithm, |whole| {
            let (r, s) = whole.split_at(whole.len() / 2);
            let parts = [integer(r), integer(s)].concat();
            [vec![0x30, u8::try_from(parts.len()).unwrap()], parts].concat()
        });
    }
}

fn integer(number: &[u8]) -> Vec<u8> {
    let content = [&[0], number].concat();
    [vec![2, u8::try_from(content.len()).unwrap()], content].concat()
}

#[test]
fn an_ecdsa_number_that_is_zero_is_refused() {
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        for half in [0, 1] {
            check(algorithm, |whole| {
                let mut changed = whole.to_vec();
                let middle = whole.len() / 2;
                changed[half * middle..(half + 1) * middle].fill(0);
                changed
            });
        }
    }
}

#[test]
fn a_truncated_hash_isnt_the_shorter_hash() {
    let (header, _) = genuine(Algorithm::Hs256);
    let input = format!("{}.{}", forge::segment(&header), forge::segment(PAYLOAD));
    for longer in [Algorithm::Hs384, Algorithm::Hs512] {
        let signature = keys::signing_key(longer).sign(input.as_bytes()).unwrap();
        let token = forge::token(&header, PAYLOAD, &signature.as_ref()[..32]);
        assert_eq!(
            verify(&token, Algorithm::Hs256),
            Err(JwsError::SignatureInvalid)
        );
    }
}

#[test]
fn the_signature_of_another_token_is_none() {
    for algorithm in Algorithm::ALL {
        let (header, signature) = genuine(*algorithm);
        for token in [
            forge::token(&header, r#"{"sub":"43"}"#, &signature),
            forge::token(header.replace('}', " }"), PAYLOAD, &signature),
            forge::token(header.replace('}', r#","typ":"JWT"}"#), PAYLOAD, &signature),
        ] {
            assert_eq!(
                verify(&token, *algorithm),
                Err(JwsError::SignatureInvalid),
                "{algorithm}"
            );
        }
    }
}
