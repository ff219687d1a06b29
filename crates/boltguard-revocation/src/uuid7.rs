//! The timestamp of a UUID of version 7, [RFC 9562 §5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7).

use crate::UnixMillis;

/// Returns the time in a token ID that is a UUID of version 7 with hyphens.
///
/// Without hyphens, one in 64 random hexadecimal IDs would look like such a UUID, most of them with a time in the far
/// future.
pub(crate) fn timestamp(token_id: &str) -> Option<UnixMillis> {
    let bytes: &[u8; 36] = token_id.as_bytes().try_into().ok()?;
    let is_uuid = bytes
        .iter()
        .enumerate()
        .all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid || bytes[14] != b'7' || !b"89abAB".contains(&bytes[19]) {
        return None;
    }
    let hex = |range| i64::from_str_radix(&token_id[range], 16).ok();
    Some(UnixMillis::new(hex(0..8)? << 16 | hex(9..13)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_rfc9562_appendix_a6() {
        let millis = Some(UnixMillis::new(0x017f_22e2_79b0));
        for id in [
            "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        ] {
            assert_eq!(timestamp(id), millis, "{id}");
        }
        let last = timestamp("ffffffff-ffff-7fff-bfff-ffffffffffff");
        assert_eq!(last, Some(UnixMillis::new((1 << 48) - 1)));
    }

    #[test]
    fn other_ids_have_no_time() {
        for id in [
            "",
            "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
            "017f22e279b0-7cc3-98c4-dc0c0c07398f-0",
            "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
            "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "017f22e2-79b0-7cc3-98c4-dc0c0c0739\u{e9}",
            "017f22e279b07cc398c4dc0c0c07398f",
        ] {
            assert_eq!(timestamp(id), None, "{id}");
        }
    }
}
