//! Parsing and lookup of API keys.

use std::sync::LazyLock;

use boltguard::apikey::{ApiKeyError, ApiKeys, KeyFormat};

/// A key of the set below.
const KNOWN: &str = "sk-prod-123abc-456def-789ghi";

static KEYS: LazyLock<ApiKeys> = LazyLock::new(|| {
    ApiKeys::new([KNOWN, "another-key-of-the-same-set"]).expect("the keys are valid")
});

pub(super) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let found = KEYS.find(text).is_some();
    assert_eq!(
        found,
        text == KNOWN || text == "another-key-of-the-same-set"
    );
    let format = KeyFormat::new("acme_live").expect("the prefix is valid");
    match format.parse(text) {
        Ok(key) => {
            let rest = text
                .strip_prefix("acme_live_")
                .expect("the key has the prefix");
            assert!(rest.starts_with(key.id()) && text.is_ascii());
            // Changing one character invalidates the checksum.
            let changed = format!(
                "{}{}",
                &text[..text.len() - 1],
                if text.ends_with('0') { '1' } else { '0' }
            );
            assert_eq!(format.parse(&changed).err(), Some(ApiKeyError::Checksum));
        }
        Err(error) => assert!(
            matches!(error, ApiKeyError::Checksum | ApiKeyError::Format),
            "{error:?}"
        ),
    }
    if let Ok(other) = KeyFormat::new(text) {
        let key = other.generate().expect("randomness is available");
        assert_eq!(
            other
                .parse(key.expose())
                .map(|key| key.id().to_owned())
                .as_deref(),
            Ok(key.id())
        );
        assert!(other.prefix() == "acme_live" || format.parse(key.expose()).is_err());
    }
}
