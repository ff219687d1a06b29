//! What the benches measure with: one secret, and claims of several sizes.

/// The secret of all HMAC measurements.
pub const SECRET: &[u8] = b"a secret of the benches that is as long as the longest hash of all";

/// A time at which the tokens of the benches are valid.
pub const NOW: i64 = 1_800_000_000;

/// The claims of a token with so many permissions, as JSON.
#[must_use]
pub fn claims(permissions: usize) -> String {
    let granted: Vec<String> = (0..permissions)
        .map(|i| format!("\"app{}.permission_{i:03}\"", i % 7))
        .collect();
    let list = match permissions {
        0 => String::new(),
        _ => format!(",\"permissions\":[{}]", granted.join(",")),
    };
    format!(
        "{{\"sub\":\"42\",\"iss\":\"https://issuer.example.com\",\"aud\":\"shop\",\"exp\":4102444800,\
         \"iat\":1700000000,\"jti\":\"0190f5a2-7c3e-7b1d-9f00-aabbccddeeff\",\"is_staff\":false,\
         \"is_superuser\":false,\"username\":\"ada\"{list}}}"
    )
}
