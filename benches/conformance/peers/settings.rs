//! Keys and settings in the types of a version of jsonwebtoken.

/// Defines `keys` and `validation` with the types of a version of jsonwebtoken. `$from_secret` makes an optional key
/// from the bytes of a secret.
macro_rules! settings {
    ($jsonwebtoken:ident, $from_secret:expr) => {
        /// Returns the keys, each with its `kid`, or nothing if one isn't valid.
        fn keys(row: &Row) -> Option<Vec<(Option<String>, DecodingKey)>> {
            let text = row.key.text();
            let one = |key| Some(vec![(None, key)]);
            match row.key.kind {
                KeyKind::Jwk => one(DecodingKey::from_jwk(&serde_json::from_str(&text).ok()?).ok()?),
                KeyKind::Jwks => {
                    let set: $jsonwebtoken::jwk::JwkSet = serde_json::from_str(&text).ok()?;
                    let key = |jwk: &$jsonwebtoken::jwk::Jwk| {
                        let key = DecodingKey::from_jwk(jwk).ok()?;
                        Some((jwk.common.key_id.clone(), key))
                    };
                    set.keys.iter().map(key).collect()
                }
                KeyKind::Pem => {
                    let pem = text.as_bytes();
                    let key = DecodingKey::from_rsa_pem(pem)
                        .or_else(|_| DecodingKey::from_ec_pem(pem))
                        .or_else(|_| DecodingKey::from_ed_pem(pem));
                    one(key.ok()?)
                }
                KeyKind::Secret => one($from_secret(text.as_bytes())?),
                KeyKind::SecretBase64Url => {
                    let jwk = serde_json::json!({"kty": "oct", "k": text});
                    one(DecodingKey::from_jwk(&serde_json::from_value(jwk).ok()?).ok()?)
                }
            }
        }

        /// Returns the settings for keys of one type, or nothing if an algorithm isn't supported.
        fn validation(row: &Row, algorithms: &[&str], clock: Clock) -> Option<Validation> {
            let mut validation = Validation::default();
            let algorithms = algorithms.iter().map(|name| name.parse());
            validation.algorithms = algorithms.collect::<Result<_, _>>().ok()?;
            validation.leeway = clock.leeway(row);
            validation.validate_nbf = true;
            validation.required_spec_claims = row.options.required.iter().cloned().collect();
            if let Some(audience) = &row.options.audience {
                validation.set_audience(audience.as_slice());
                validation.required_spec_claims.insert("aud".to_owned());
            }
            if let Some(issuer) = &row.options.issuer {
                validation.set_issuer(issuer.as_slice());
                validation.required_spec_claims.insert("iss".to_owned());
            }
            Some(validation)
        }

        /// Other required claims are ignored, and `typ` isn't checked.
        fn lacks(row: &Row) -> bool {
            const REQUIRED: [&str; 5] = ["aud", "exp", "iss", "nbf", "sub"];
            let is_known = |name: &String| REQUIRED.contains(&name.as_str());
            row.options.typ.is_some()
                || !row.options.required.iter().all(is_known)
                || row.algorithms.iter().any(|name| name == "ES512")
        }
    };
}
