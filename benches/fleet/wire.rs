//! How many bytes a response takes in the protocol of Redis (RESP).

use boltguard_revocation::replica::StreamRow;

/// The response to a query without rows: `INFO` 938, `XINFO STREAM` 511, `XINFO GROUPS` 175, an empty array, and those
/// of `MULTI`, four queued commands, `EXEC` and `XTRIM`. Measured with Redis 7.0.
pub(crate) const EMPTY_RESPONSE: u64 = 938 + 511 + 175 + 4 + 5 + 4 * 9 + 4 + 4;

/// Returns the number of bytes of a row in the response to `XRANGE`.
pub(crate) fn row(row: &StreamRow) -> u64 {
    let fields = row.fields.iter();
    let fields: usize = fields.map(|(name, value)| bulk(name) + bulk(value)).sum();
    let id = bulk(row.id.to_string().as_bytes());
    (header(2) + id + header(row.fields.len() * 2) + fields) as u64
}

fn bulk(value: &[u8]) -> usize {
    header(value.len()) + value.len() + 2
}

/// A type, a number, and the end of the line.
fn header(number: usize) -> usize {
    1 + number.to_string().len() + 2
}

#[cfg(test)]
mod tests {
    use boltguard_revocation::replica::{RevocationEntry, StreamId};
    use boltguard_types::NumericDate;

    use super::*;

    #[test]
    fn row_takes_what_redis_sends() {
        let until = Some(NumericDate::from_secs(1_700_000_900));
        let entry = RevocationEntry::token("0190f5a2-7c3e-7b1d-9f00-000000000000", until);
        let id = StreamId::new(1_700_000_000_000, 0);
        let text = "*2\r\n$15\r\n1700000000000-0\r\n*4\r\n$3\r\njti\r\n$36\r\n0190f5a2-7c3e-7b1d-9f00-000000000000\r\n\
                    $5\r\nuntil\r\n$10\r\n1700000900\r\n";
        assert_eq!(row(&StreamRow::new(id, &entry)), text.len() as u64);
    }
}
