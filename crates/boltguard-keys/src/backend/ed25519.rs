//! Ed25519 points that aren't valid public keys.

use crate::KeyError;

/// Rejects points of small order, for which signatures can be created without a private key.
pub(crate) fn refuse_small_order(point: &[u8; 32]) -> Result<(), KeyError> {
    let mut y = *point;
    y[31] &= 0x7f;
    if SMALL_ORDER.contains(&y) {
        Err(KeyError::InvalidPoint)
    } else {
        Ok(())
    }
}

const fn little(low: u8, rest: u8, high: u8) -> [u8; 32] {
    let mut y = [rest; 32];
    y[0] = low;
    y[31] = high;
    y
}

/// The y coordinates of all points of order 1, 2, 4 and 8, with the spellings that are not reduced modulo 2^255 - 19.
const SMALL_ORDER: [[u8; 32]; 7] = [
    little(0, 0, 0),
    little(1, 0, 0),
    little(0xec, 0xff, 0x7f),
    little(0xed, 0xff, 0x7f),
    little(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, //
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc,
        0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, //
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03,
        0x7a,
    ],
];

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    /// Under a point of order dividing 8, the neutral element with S = 0 signs one message in eight or more.
    #[test]
    fn the_listed_points_would_accept_a_signature_without_a_private_key() {
        let mut forged = [0; 64];
        forged[0] = 1;
        for y in SMALL_ORDER {
            let reduced = !matches!(y[0], 0xed | 0xee) || y[31] != 0x7f;
            let key = UnparsedPublicKey::new(&ED25519, y);
            let accepts = (0..=255u8).any(|message| key.verify(&[message], &forged).is_ok());
            assert!(accepts || !reduced, "{y:02x?}");
            assert_eq!(refuse_small_order(&y), Err(KeyError::InvalidPoint));
        }
    }
}
