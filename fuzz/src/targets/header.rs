//! Any bytes as a header, signed. What it is taken for is what a slower reader takes it for.

use boltguard::jws::Header;
use boltguard_encoding::base64url;

use super::oracle;

pub(super) fn run(data: &[u8]) {
    let expected = oracle::header(data);
    let read = Header::parse(&base64url::encode(data));
    let seen = read.as_ref().map(|header| {
        assert_eq!(header.as_json().as_bytes(), data);
        (
            header.algorithm(),
            header.key_id().map(String::from),
            header.media_type().map(String::from),
        )
    });
    assert_eq!(seen.map_err(|error| *error), expected);
}
