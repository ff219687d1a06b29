//! The CRC-32 of Ethernet, zip and GitHub's tokens: polynomial 04C11DB7, reflected.

/// The checksum of the bytes.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let update = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    !bytes.iter().fold(u32::MAX, update)
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index] = remainder(index as u32);
        index += 1;
    }
    table
}

const fn remainder(mut bits: u32) -> u32 {
    let mut turn = 0;
    while turn < 8 {
        let odd = bits & 1 == 1;
        bits = bits >> 1 ^ if odd { 0xEDB8_8320 } else { 0 };
        turn += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that every catalogue of CRCs gives for CRC-32/ISO-HDLC.
    #[test]
    fn check_value_of_the_catalogues() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
