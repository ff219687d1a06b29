//! Keys as OpenSSL writes them.

use boltguard_keys::{
    Algorithm, Key, KeyError, KeyType, PrivateKey, PublicKey, SigningKey, VerifyingKey,
};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../data/", $name, ".pem"))
    };
}

fn public(pem: &str) -> PublicKey {
    PublicKey::from_pem(pem).unwrap()
}

fn refused(pem: &str) -> KeyError {
    PublicKey::from_pem(pem).unwrap_err()
}

#[track_caller]
fn signs(pem: &str, algorithm: Algorithm) -> PrivateKey {
    let key = PrivateKey::from_pem(pem).unwrap();
    let signing = SigningKey::new(&Key::from(key.clone()), algorithm).unwrap();
    let signature = signing.sign(b"message").unwrap();
    let verifying = VerifyingKey::new(&Key::from(key.public_key().clone()), algorithm).unwrap();
    assert!(verifying.verify(b"message", signature.as_ref()).is_ok());
    key
}

#[test]
fn rsa_keys_are_the_same_in_each_wrapping() {
    let key = public(file!("rsa_spki.public"));
    assert_eq!(public(file!("rsa_pkcs1.public")), key);
    assert_eq!(public(file!("rsa.certificate")), key);
    for pem in [file!("rsa_pkcs1.private"), file!("rsa_pkcs8.private")] {
        assert_eq!(*signs(pem, Algorithm::Rs256).public_key(), key);
        signs(pem, Algorithm::Ps512);
    }
}

#[test]
fn ec_keys_are_the_same_in_each_wrapping() {
    let check = |algorithm, publics: [&str; 2], privates: [&str; 3]| {
        let key = public(publics[0]);
        assert_eq!(public(publics[1]), key, "compressed");
        for pem in privates {
            assert_eq!(*signs(pem, algorithm).public_key(), key);
        }
    };
    check(
        Algorithm::Es256,
        [file!("p256.public"), file!("p256.compressed.public")],
        [
            file!("p256.sec1.private"),
            file!("p256.pkcs8.private"),
            file!("p256.no_public.private"),
        ],
    );
    check(
        Algorithm::Es384,
        [file!("p384.public"), file!("p384.compressed.public")],
        [
            file!("p384.sec1.private"),
            file!("p384.pkcs8.private"),
            file!("p384.no_public.private"),
        ],
    );
    check(
        Algorithm::Es512,
        [file!("p521.public"), file!("p521.compressed.public")],
        [
            file!("p521.sec1.private"),
            file!("p521.pkcs8.private"),
            file!("p521.no_public.private"),
        ],
    );
    assert_eq!(
        public(file!("p256.certificate")),
        public(file!("p256.public"))
    );
}

#[test]
fn ed25519_keys_of_openssl_sign() {
    signs(
        boltguard_testing::keys::ED25519.private_pem,
        Algorithm::EdDsa,
    );
}

#[test]
fn rsa_keys_have_2048_to_8192_bits() {
    assert_eq!(refused(file!("rsa_1024.public")), KeyError::RsaTooSmall);
    let private = PrivateKey::from_pem(file!("rsa_1024.private"));
    assert_eq!(private.unwrap_err(), KeyError::RsaTooSmall);
    assert_eq!(public(file!("rsa_8192.public")).key_type(), KeyType::Rsa);
    signs(file!("rsa_4096.private"), Algorithm::Ps384);
}

#[test]
fn an_exponent_of_three_verifies_and_does_not_sign() {
    assert_eq!(public(file!("rsa_e3.public")).key_type(), KeyType::Rsa);
    let private = PrivateKey::from_pem(file!("rsa_e3.private"));
    assert_eq!(private.unwrap_err(), KeyError::InvalidPrivateKey);
}

#[test]
fn a_key_for_pss_serves_pss_alone() {
    let served = |pem| -> Vec<_> {
        let key = Key::from_pem(pem).unwrap();
        key.algorithms().map(Algorithm::name).collect()
    };
    assert_eq!(served(file!("rsa_pss.public")), ["PS256", "PS384", "PS512"]);
    assert_eq!(served(file!("rsa_pss_sha256.public")), ["PS256"]);
    assert_eq!(served(file!("rsa_pss_sha256.private")), ["PS256"]);
    assert_eq!(served(file!("rsa_spki.public")).len(), 6);
    assert_eq!(refused(file!("rsa_pss_sha1.public")), KeyError::Unsupported);
    signs(file!("rsa_pss.private"), Algorithm::Ps256);
}

#[test]
fn export_preserves_the_limits_of_a_pss_key() {
    for pem in [file!("rsa_pss.public"), file!("rsa_pss_sha256.public")] {
        let key = public(pem);
        assert_eq!(public(&key.to_pem().unwrap()), key);
    }
}

#[test]
fn other_curves_are_not_supported() {
    for pem in [
        file!("ed448.public"),
        file!("p256.explicit.public"),
        file!("p384.explicit.public"),
        file!("p521.explicit.public"),
    ] {
        assert_eq!(refused(pem), KeyError::Unsupported);
    }
}

#[test]
fn encrypted_keys_have_their_own_error() {
    for pem in [file!("encrypted.pkcs8"), file!("encrypted.sec1")] {
        assert_eq!(Key::from_pem(pem).unwrap_err(), KeyError::Encrypted);
    }
}

#[test]
fn private_key_is_rejected_as_public_key() {
    for pem in [
        file!("rsa_pkcs1.private"),
        file!("rsa_pkcs8.private"),
        file!("p256.sec1.private"),
        file!("p521.pkcs8.private"),
        boltguard_testing::keys::ED25519.private_pem,
    ] {
        assert_eq!(refused(pem), KeyError::PrivateKey);
        let bundle = format!("{}{pem}", file!("rsa.certificate"));
        assert_eq!(refused(&bundle), KeyError::PrivateKey);
    }
}

#[test]
fn public_key_is_rejected_as_private_key() {
    for pem in [
        file!("rsa_spki.public"),
        file!("rsa_pkcs1.public"),
        file!("rsa.certificate"),
        file!("p384.public"),
    ] {
        assert_eq!(PrivateKey::from_pem(pem).unwrap_err(), KeyError::NotPrivate);
    }
    let der = public(file!("p384.public")).to_der().unwrap();
    assert_eq!(
        PrivateKey::from_der(&der).unwrap_err(),
        KeyError::NotPrivate
    );
}

#[test]
fn content_around_the_pem_is_ignored() {
    let key = public(file!("p256.public"));
    let pem = file!("p256.public");
    for text in [
        format!("Subject: CN=test\n\n{pem}"),
        format!("{pem}\n\n"),
        format!("\u{feff}\n{pem}"),
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
    ] {
        assert_eq!(public(&text), key, "{text:?}");
    }
}

#[test]
fn lines_of_any_length_are_read() {
    let pem = file!("rsa_spki.public");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let one_line = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    assert_eq!(public(&one_line), public(pem));
}

#[test]
fn text_without_a_whole_pem_holds_no_key() {
    let pem = file!("p256.public");
    for text in [
        "",
        "no key",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n-----END CERTIFICATE-----",
        "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----",
        &pem.replace("-----END", "-----FIN"),
        &pem.replace("BEGIN PUBLIC", "BEGIN PUBLIK"),
        &pem.replace("MFkw", "MF!w"),
    ] {
        assert_eq!(refused(text), KeyError::NoPem, "{text}");
    }
    let empty = "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----";
    assert_eq!(refused(empty), KeyError::Der);
}

#[test]
fn a_url_holds_no_key() {
    for text in [
        "https://id.example.com/.well-known/jwks.json",
        "\nHTTP://id.example.com",
    ] {
        assert_eq!(refused(text), KeyError::UrlAsKey, "{text}");
    }
}

#[test]
fn several_keys_are_rejected_but_not_several_certificates() {
    let two = format!("{}{}", file!("p256.public"), file!("p384.public"));
    assert_eq!(refused(&two), KeyError::SeveralKeys);
    let chain = format!("{}{}", file!("p256.certificate"), file!("rsa.certificate"));
    assert_eq!(public(&chain), public(file!("p256.public")));
}

#[test]
fn nothing_may_follow_a_key_in_der() {
    for pem in [
        file!("rsa_spki.public"),
        file!("rsa_pkcs1.public"),
        file!("p256.public"),
    ] {
        let mut der = public(pem).to_der().unwrap();
        der.push(0);
        assert_eq!(PublicKey::from_der(&der).unwrap_err(), KeyError::Der);
        der.truncate(der.len() - 2);
        assert_eq!(PublicKey::from_der(&der).unwrap_err(), KeyError::Der);
    }
}

#[test]
fn a_public_key_that_belongs_to_another_private_key_is_refused() {
    // The public key is at the end of both PKCS#8 of P-256 and SEC1.
    let key = PrivateKey::from_pem(file!("p256.pkcs8.private")).unwrap();
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let (mut der, other) = (key.to_pkcs8_der().unwrap(), other.to_pkcs8_der().unwrap());
    let at = der.len() - 65;
    der[at..].copy_from_slice(&other[at..]);
    assert_eq!(
        PrivateKey::from_der(&der).unwrap_err(),
        KeyError::InvalidPrivateKey
    );
}

#[test]
fn an_rsa_key_whose_parts_do_not_belong_together_is_refused() {
    let key = PrivateKey::from_pem(file!("rsa_pkcs8.private")).unwrap();
    let mut der = key.to_pkcs8_der().unwrap();
    // Some byte of the modulus.
    der[100] ^= 1;
    assert_eq!(
        PrivateKey::from_der(&der).unwrap_err(),
        KeyError::InvalidPrivateKey
    );
}

#[test]
fn keys_are_never_printed() {
    for pem in [
        file!("p256.pkcs8.private"),
        file!("rsa_pkcs1.private"),
        file!("rsa_spki.public"),
    ] {
        let key = Key::from_pem(pem).unwrap();
        let text = format!("{key:?}");
        assert!(text.len() < 50 && text.contains(", ..)"), "{text}");
    }
}
