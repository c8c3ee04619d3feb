//! Numbers and texts as bytes: what blocks and catalogues are written in.

/// Bytes that are not what this agent writes. Says what was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(pub(super) &'static str);

const ENDED: Damaged = Damaged("it ends too early");

/// Writes a number in as few bytes as it needs, seven bits in each, the lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a number that may be negative: small ones of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Writes a length and the bytes.
pub(super) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Writes how much of `text` is the beginning of `before`, and the rest.
pub(super) fn put_after(out: &mut Vec<u8>, before: &[u8], text: &[u8]) {
    let shared = before.iter().zip(text).take_while(|(one, other)| one == other).count();
    put(out, shared as u64);
    put_text(out, &text[shared..]);
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(ENDED)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ENDED)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged("a number is longer than 64 bits"))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number that has to fit.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Damaged> {
        T::try_from(self.number()?).map_err(|_| Damaged("a number is larger than its field"))
    }

    /// How many of something follow, each of at least `least` bytes.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, Damaged> {
        let count: usize = self.small()?;
        if count > self.left() / least.max(1) {
            return Err(Damaged("it counts more than it holds"));
        }
        Ok(count)
    }

    pub(super) fn text(&mut self) -> Result<&'a [u8], Damaged> {
        let length = self.small()?;
        self.take(length)
    }

    /// Reads what [`put_after`] wrote: how much is shared with `length` bytes before, and the rest.
    pub(super) fn after(&mut self, length: usize) -> Result<(usize, &'a [u8]), Damaged> {
        let shared: usize = self.small()?;
        if shared > length {
            return Err(Damaged("a text shares more than there is before it"));
        }
        Ok((shared, self.text()?))
    }

    pub(super) fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("it goes on behind its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(number: u64, signed: i64, before: Vec<u8>, text: Vec<u8>) {
            let mut out = Vec::new();
            put(&mut out, number);
            put_signed(&mut out, signed);
            put_after(&mut out, &before, &text);
            let mut bytes = Bytes(&out);
            prop_assert_eq!((bytes.number(), bytes.signed()), (Ok(number), Ok(signed)));
            let (shared, rest) = bytes.after(before.len()).expect("it was written");
            prop_assert_eq!([&before[..shared], rest].concat(), text);
            prop_assert_eq!(bytes.end(), Ok(()));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert!(Bytes(&[0xff; 10]).number().is_err());
        assert!(Bytes(&[0x80; 11]).number().is_err());
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Bytes(&largest).number(), Ok(u64::MAX));
    }
}
