//! Parsing of the rows of a stream of revocations.

use boltguard::revocation::replica::{RevocationEntry, StreamId};

pub(super) fn run(data: &[u8]) {
    check_row(data);
    if let Ok(text) = std::str::from_utf8(data) {
        check_id(text);
    }
}

/// The names and values of the fields are separated by null bytes.
fn check_row(data: &[u8]) {
    let parts: Vec<_> = data.split(|byte| *byte == 0).collect();
    let (fields, _) = parts.as_chunks::<2>();
    let fields = fields.iter().map(|[name, value]| (*name, *value));
    let Ok(entry) = RevocationEntry::from_fields(fields) else {
        return;
    };
    // Each entry has one meaning, however it is written.
    let fields = entry.fields();
    let fields = fields.iter();
    let again = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let again = RevocationEntry::from_fields(again).expect("written entries are valid");
    assert!(again == entry && entry.until() == again.until());
}

fn check_id(text: &str) {
    if let Ok(id) = text.parse::<StreamId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
