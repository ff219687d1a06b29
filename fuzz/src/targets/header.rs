//! Parsing of headers, compared with `serde_json`.

use boltguard::jws::Header;
use boltguard_encoding::base64url;

use super::oracle;

pub(super) fn run(data: &[u8]) {
    let expected = oracle::header(data);
    let result = Header::parse(&base64url::encode(data));
    let actual = result.as_ref().map(|header| {
        assert_eq!(header.as_json().as_bytes(), data);
        (
            header.algorithm(),
            header.key_id().map(String::from),
            header.media_type().map(String::from),
        )
    });
    assert_eq!(actual.map_err(|error| *error), expected);
}
