//! Reading of policy documents: a document is unchanged by serialization, and creating gates from it never panics.

use boltguard::config::{Document, KeyReader, PolicyBuilder};

/// Finds the same secret in each environment variable.
struct OneSecret;

impl KeyReader for OneSecret {
    fn variable(&self, _name: &str) -> Option<Vec<u8>> {
        Some(b"a secret that is thirty-two bytes".to_vec())
    }
}

pub(super) fn run(data: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Document>(data) else {
        return;
    };
    let json = serde_json::to_string(&document).expect("the document can be serialized");
    let read = serde_json::from_str::<Document>(&json).expect("the JSON is valid");
    assert_eq!(read, document, "{json}");
    let policy = PolicyBuilder::new(&document).with_reader(OneSecret).build();
    if let Ok(policy) = policy {
        assert_eq!(policy.routes().len(), document.routes.len(), "{json}");
    }
}
