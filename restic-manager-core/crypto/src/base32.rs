//! Five bits a letter: for what people read aloud and type.

/// What authenticator apps take.
pub(crate) const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Without letters that are taken for one another: no I, L, O, U.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The letters of `bytes`, whose number is a multiple of five.
pub(crate) fn encode(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let mut letters = String::with_capacity(bytes.len() / 5 * 8);
    for chunk in bytes.chunks_exact(5) {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        for shift in (0..8).rev() {
            let index = usize::try_from(word >> (shift * 5) & 31).unwrap_or_default();
            letters.push(char::from(alphabet[index]));
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard_hold() {
        assert_eq!(encode(b"fooba", RFC_4648), "MZXW6YTB");
        assert_eq!(encode(&[0xff; 10], CROCKFORD), "ZZZZZZZZZZZZZZZZ");
        assert_eq!(encode(&[0; 5], CROCKFORD), "00000000");
    }
}
