//! The challenge to authenticate the user again, [RFC 9470 §3](https://www.rfc-editor.org/rfc/rfc9470#section-3).

use boltguard_grants::FreshAuth;
use boltguard_guard::Guard;

/// Returns the parameters of the challenge for a guard.
///
/// If it requires several authentications, these are the smallest age and all authentication context classes.
pub(crate) fn parameters(guard: &Guard) -> String {
    let mut parameters = String::from(ERROR);
    if let Some(max_age) = guard.fresh_auths().map(FreshAuth::max_age).min() {
        parameters.push_str(&format!(r#", max_age="{max_age}""#));
    }
    let mut acr: Vec<&str> = Vec::new();
    for value in guard.fresh_auths().flat_map(FreshAuth::acr) {
        if !acr.contains(&&**value) {
            acr.push(value);
        }
    }
    if !acr.is_empty() {
        parameters.push_str(&format!(r#", acr_values="{}""#, acr.join(" ")));
    }
    parameters
}

const ERROR: &str = r#", error="insufficient_user_authentication", error_description="The user must authenticate again""#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_authentications_are_combined() {
        let guard = r#"fresh_auth(300, acr=["b", "a"]) | (staff & fresh_auth(60, acr=["a", "c"]))"#;
        let expected = format!(r#"{ERROR}, max_age="60", acr_values="b a c""#);
        assert_eq!(parameters(&guard.parse().unwrap()), expected);
        assert_eq!(parameters(&Guard::staff()), ERROR);
    }
}
