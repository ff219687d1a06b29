//! Static sets of keys.

use boltguard_apikey::ApiKeys;
use proptest::prelude::*;

proptest! {
    #[test]
    fn set_agrees_with_list(
        keys in prop::collection::hash_set("[ -~]{0,3}[!-~]", 0..30),
        presented in "[ -~]{1,4}",
    ) {
        let keys: Vec<_> = keys.iter().map(|key| key.trim()).collect();
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        prop_assume!(distinct.len() == keys.len());
        let set = ApiKeys::new(keys.iter().copied()).unwrap();
        prop_assert_eq!(set.find(&presented).is_some(), keys.contains(&presented.as_str()));
        prop_assert!(keys.iter().all(|key| set.find(key).is_some()));
        prop_assert_eq!(set.len(), keys.len());
    }
}

#[test]
fn each_key_has_its_own_public_id() {
    let keys: Vec<_> = (0..2_000).map(|n| format!("key-{n}")).collect();
    let keys = ApiKeys::new(keys.iter().map(String::as_str)).unwrap();
    let ids: std::collections::HashSet<_> = keys.entries().map(|entry| entry.public_id()).collect();
    assert_eq!(ids.len(), 2_000);
}

#[test]
fn keys_of_the_documentation_are_weak() {
    let keys = ApiKeys::new([
        "sk-prod-123abc",
        "sk-prod-456def",
        "secret",
        "a-key-of-26-characters-...",
    ])
    .unwrap();
    assert_eq!((keys.len(), keys.weak_count()), (4, 3));
    let entry = keys.find("sk-prod-123abc").unwrap();
    assert_eq!(entry.user_id(), format!("apikey:{}", entry.public_id()));
}
