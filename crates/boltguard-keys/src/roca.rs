//! Detection of RSA moduli that can be factored because of their generator: ROCA, CVE-2017-15361.
//!
//! The primes of these keys are `k · M + (65537^a mod M)`, where `M` is the product of the first primes. Modulo each of
//! these, the modulus is therefore a power of 65537. This is also true for one random modulus in 2^27.

/// Returns whether the big-endian modulus has the fingerprint.
pub(crate) fn has_fingerprint(n: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|prime| is_power(GENERATOR % prime, remainder(n, *prime), *prime))
}

fn remainder(n: &[u8], prime: u32) -> u32 {
    n.iter()
        .fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

/// Returns whether `value` is a power of `base` modulo `prime`.
fn is_power(base: u32, value: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == value {
            return true;
        }
        power = power * base % prime;
        if power == 1 {
            return false;
        }
    }
}

const GENERATOR: u32 = 65537;

/// The odd primes that are factors of `M` for all key lengths.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_of_the_generator_have_the_fingerprint() {
        // 65537^2 and its neighbours.
        let square = u64::from(GENERATOR) * u64::from(GENERATOR);
        assert!(has_fingerprint(&square.to_be_bytes()));
        assert!(has_fingerprint(&[1]));
        for other in [square - 2, square - 1, square + 1, square + 2, 0, 2, 3] {
            assert!(!has_fingerprint(&other.to_be_bytes()), "{other}");
        }
    }

    #[test]
    fn remainders_are_those_of_division() {
        let number = 0x0123_4567_89ab_cdef_u64;
        for prime in PRIMES {
            assert_eq!(
                u64::from(remainder(&number.to_be_bytes(), prime)),
                number % u64::from(prime)
            );
        }
    }
}
