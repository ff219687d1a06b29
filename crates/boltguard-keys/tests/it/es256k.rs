//! ES256K, RFC 8812: operations with the feature `es256k`, and errors without it.
//!
//! RFC 8812 has no examples. `wycheproof_vectors.rs` has Project Wycheproof's.

#[cfg(not(feature = "es256k"))]
mod off {
    use boltguard_keys::{Algorithm, Jwk, KeyError, PrivateKey, PublicKey};

    const FEATURE: &str = "feature `es256k`";

    #[test]
    fn the_algorithm_names_its_feature() {
        let unknown = "ES256K".parse::<Algorithm>().unwrap_err();
        assert_eq!(unknown.feature(), Some("es256k"));
        assert_eq!(unknown.suggestion(), None);
        assert!(unknown.to_string().contains(FEATURE), "{unknown}");
        let other = "ES257K".parse::<Algorithm>().unwrap_err();
        assert_eq!(other.feature(), None);
    }

    #[test]
    fn keys_in_pem_name_their_feature() {
        let public = PublicKey::from_pem(include_str!("../data/secp256k1.public.pem"));
        let private = PrivateKey::from_pem(include_str!("../data/secp256k1.private.pem"));
        let sec1 = PrivateKey::from_pem(include_str!("../data/secp256k1.sec1.private.pem"));
        for error in [public.err(), private.err(), sec1.err()] {
            assert_eq!(error, Some(KeyError::NeedsEs256k));
            assert!(error.unwrap().to_string().contains(FEATURE));
        }
    }

    #[test]
    fn a_jwk_names_its_feature() {
        let jwk = r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#;
        let problem = Jwk::parse_or_explain(jwk).unwrap_err();
        assert_eq!(problem.cause(), KeyError::NeedsEs256k);
        assert_eq!(problem.member(), Some("crv"));
        assert!(problem.to_string().contains(FEATURE), "{problem}");
    }
}

#[cfg(feature = "es256k")]
mod on {
    use boltguard_keys::{
        Algorithm, Curve, Jwk, Key, KeyError, KeyType, PrivateKey, PublicKey, SigningKey,
        VerifyingKey,
    };

    const PUBLIC: &str = include_str!("../data/secp256k1.public.pem");
    const PRIVATE: [&str; 2] = [
        include_str!("../data/secp256k1.private.pem"),
        include_str!("../data/secp256k1.sec1.private.pem"),
    ];

    fn public() -> PublicKey {
        PublicKey::from_pem(PUBLIC).unwrap()
    }

    fn private() -> PrivateKey {
        PrivateKey::from_pem(PRIVATE[0]).unwrap()
    }

    /// The private key as a JWK.
    fn jwk() -> String {
        let public = Jwk::new(public()).to_json().unwrap();
        let d = "ubuEi1mCw8s6_YKwnltytrVi7ft-BKTA6zZfoLO3DQY";
        public.replace('}', &format!(r#","d":"{d}"}}"#))
    }

    #[test]
    fn keys_of_openssl_sign_in_each_wrapping() {
        for pem in PRIVATE {
            let key = PrivateKey::from_pem(pem).unwrap();
            assert_eq!(*key.public_key(), public());
            assert_eq!(key.key_type(), KeyType::Ec(Curve::Secp256k1));
            let signing = SigningKey::new(&Key::from(key), Algorithm::Es256k).unwrap();
            let signature = signing.sign(b"message").unwrap();
            assert_eq!(signature.as_ref().len(), signing.signature_len());
            let verifying = VerifyingKey::new(&Key::from(public()), Algorithm::Es256k).unwrap();
            assert!(verifying.verify(b"message", signature.as_ref()).is_ok());
            assert!(verifying.verify(b"another", signature.as_ref()).is_err());
        }
    }

    #[test]
    fn keys_are_written_as_openssl_writes_them() {
        assert_eq!(public().to_pem().unwrap(), PUBLIC);
        let back = PrivateKey::from_pem(private().to_pkcs8_pem().unwrap()).unwrap();
        assert_eq!(back.public_key(), private().public_key());
    }

    /// RFC 8812 §3.1.
    #[test]
    fn a_jwk_has_the_curve_of_the_rfc() {
        let jwk = Jwk::parse(
            Jwk::new(public())
                .with_algorithm(Algorithm::Es256k)
                .to_json()
                .unwrap(),
        );
        let jwk = jwk.unwrap();
        assert_eq!(jwk.key().public_key(), Some(&public()));
        assert_eq!(jwk.algorithm(), Some(Algorithm::Es256k));
        let json = jwk.to_json().unwrap();
        assert!(json.contains(r#""crv":"secp256k1","kty":"EC""#), "{json}");
        assert!(json.contains(r#""alg":"ES256K""#), "{json}");
    }

    #[test]
    fn a_jwk_with_another_point_is_refused() {
        let other = PrivateKey::generate(Algorithm::Es256k).unwrap();
        let other = Jwk::new(other.public_key().clone()).to_json().unwrap();
        let d = jwk().split_once(r#""d""#).unwrap().1.to_owned();
        let mixed = other.replace('}', &format!(r#","d"{d}"#));
        assert_eq!(Jwk::parse(&mixed).unwrap_err(), KeyError::InvalidPrivateKey);
        let signing = Jwk::parse(jwk()).unwrap().signing_key(Algorithm::Es256k);
        assert!(signing.is_ok());
    }

    #[test]
    fn the_key_serves_no_other_curve_s_algorithm() {
        for algorithm in Algorithm::ALL {
            let verifying = VerifyingKey::new(&Key::from(public()), *algorithm);
            assert_eq!(
                verifying.is_ok(),
                *algorithm == Algorithm::Es256k,
                "{algorithm}"
            );
        }
        let p256 = PrivateKey::generate(Algorithm::Es256).unwrap();
        let signing = SigningKey::new(&Key::from(p256), Algorithm::Es256k);
        assert_eq!(signing.unwrap_err(), KeyError::AlgorithmMismatch);
    }

    #[test]
    fn the_name_is_exact_and_similar_names_are_suggested() {
        assert_eq!("ES256K".parse(), Ok(Algorithm::Es256k));
        let near = "es256k".parse::<Algorithm>().unwrap_err();
        assert_eq!(near.suggestion(), Some(Algorithm::Es256k));
    }
}
