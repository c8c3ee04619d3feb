use crate::{Strings, Timestamp};

/// A place in JSON as Go's encoder writes it: no blanks between tokens.
///
/// `None` always means "not what was expected, ask the general parser", never "wrong".
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn remaining_bytes(&self) -> usize {
        self.rest.len()
    }

    /// Passes over exactly these bytes if they come next.
    #[inline(always)]
    pub(crate) fn eat<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        match self.rest.split_first_chunk::<N>() {
            Some((head, rest)) if head == bytes => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    pub(crate) fn expect<const N: usize>(&mut self, bytes: &[u8; N]) -> Option<()> {
        self.eat(bytes).then_some(())
    }

    /// Exactly these bytes and then nothing.
    #[inline(always)]
    pub(crate) fn expect_end<const N: usize>(&self, bytes: &[u8; N]) -> Option<()> {
        (self.rest == bytes).then_some(())
    }

    /// A whole number without sign, fraction or exponent.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<u64> {
        let (value, digits) = self.digits()?;
        let is_plain = digits == 1 || self.rest[0] != b'0';
        self.rest = &self.rest[digits..];
        (is_plain && !matches!(self.rest.first(), Some(b'.' | b'e' | b'E'))).then_some(value)
    }

    #[inline]
    pub(crate) fn small_number(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// A number with or without a fraction. Exponents are left to the general parser.
    #[inline]
    pub(crate) fn float(&mut self) -> Option<f64> {
        let (whole, digits) = self.digits()?;
        let is_plain = digits == 1 || self.rest[0] != b'0';
        let text = self.rest;
        self.rest = &self.rest[digits..];
        if !is_plain {
            return None;
        }
        let mut length = digits;
        let mut exact = (whole <= EXACT).then_some(whole as f64);
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            let (fraction, fraction_digits) = self.digits()?;
            self.rest = &self.rest[fraction_digits..];
            length += 1 + fraction_digits;
            exact = exact_quotient(whole, fraction, fraction_digits);
        }
        if matches!(self.rest.first(), Some(b'e' | b'E')) {
            return None;
        }
        match exact {
            Some(value) => Some(value),
            None => std::str::from_utf8(&text[..length]).ok()?.parse().ok(),
        }
    }

    /// A text up to and with its closing quote; the opening one is behind us.
    #[inline]
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.raw_text()?).ok()
    }

    #[inline]
    fn raw_text(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.rest.split_at_checked(plain_length(self.rest)?)?;
        let [b'"', rest @ ..] = rest else {
            return None;
        };
        self.rest = rest;
        Some(text)
    }

    /// What stands between the brackets of an array of texts.
    pub(crate) fn texts(&mut self) -> Option<&'a str> {
        self.expect(b"[")?;
        let start = self.rest;
        if !self.eat(b"]") {
            self.expect(b"\"")?;
            self.raw_text()?;
            while !self.eat(b"]") {
                self.expect(b",\"")?;
                self.raw_text()?;
            }
        }
        let length = start.len() - self.rest.len() - 1;
        std::str::from_utf8(&start[..length]).ok()
    }

    /// A number that is left out while it is zero.
    #[inline]
    pub(crate) fn counter<const N: usize>(&mut self, key: &[u8; N]) -> Option<u64> {
        if self.eat(key) { self.number() } else { Some(0) }
    }

    /// A number that may be absent.
    #[inline]
    pub(crate) fn optional_number<const N: usize>(&mut self, key: &[u8; N]) -> Option<Option<u64>> {
        if self.eat(key) { self.number().map(Some) } else { Some(None) }
    }

    #[inline]
    pub(crate) fn required_number<const N: usize>(&mut self, key: &[u8; N]) -> Option<u64> {
        self.expect(key)?;
        self.number()
    }

    /// A text that may be absent; the key ends in the opening quote.
    #[inline]
    pub(crate) fn optional_text<const N: usize>(&mut self, key: &[u8; N]) -> Option<Option<&'a str>> {
        if self.eat(key) { self.text().map(Some) } else { Some(None) }
    }

    /// An array of texts that may be absent.
    #[inline]
    pub(crate) fn optional_texts<const N: usize>(&mut self, key: &[u8; N]) -> Option<Strings<'a>> {
        if self.eat(key) { self.texts().map(Strings::from_checked) } else { Some(Strings::default()) }
    }

    /// A time up to and with the closing quote; the opening one is behind us.
    #[inline]
    pub(crate) fn timestamp(&mut self) -> Option<Timestamp> {
        let (time, rest) = Timestamp::from_start(self.rest)?;
        let [b'"', rest @ ..] = rest else {
            return None;
        };
        self.rest = rest;
        Some(time)
    }

    /// The value of the digits that come next and how many they are; at least one, at most nineteen.
    #[inline(always)]
    fn digits(&self) -> Option<(u64, usize)> {
        /// As many always fit.
        const MOST: usize = 19;
        let mut value = 0_u64;
        let mut count = 0;
        for byte in self.rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            if count == MOST {
                return None;
            }
            value = value * 10 + u64::from(digit);
            count += 1;
        }
        (count > 0).then_some((value, count))
    }
}

/// Up to here every whole number is a float.
const EXACT: u64 = 1 << 53;

/// Powers of ten that are floats without error.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The number with this whole part and fraction where one division rounds rightly: both of its sides are exact.
#[inline]
fn exact_quotient(whole: u64, fraction: u64, fraction_digits: usize) -> Option<f64> {
    let scale = 10_u64.checked_pow(u32::try_from(fraction_digits).ok()?)?;
    let digits = whole.checked_mul(scale)?.checked_add(fraction)?;
    (digits <= EXACT).then(|| digits as f64 / POWERS[fraction_digits])
}

/// The length of the text before its closing quote. `None` if it has an escape, a control byte or no end.
#[inline]
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const WORD: usize = size_of::<u64>();
    let mut length = 0;
    for word in bytes.chunks_exact(WORD) {
        let special = special_bytes(u64::from_le_bytes(word.try_into().ok()?));
        if special != 0 {
            length += special.trailing_zeros() as usize / 8;
            return (bytes[length] == b'"').then_some(length);
        }
        length += WORD;
    }
    let tail = bytes[length..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    (bytes[length + tail] == b'"').then_some(length + tail)
}

/// Marks the top bit of each byte that is a quote, a backslash or a control byte. Bytes above the first marked one may
/// be marked wrongly.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    let found_quotes = quotes.wrapping_sub(ONES) & !quotes;
    let found_backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    let found_controls = word.wrapping_sub(ONES * 0x20) & !word;
    (found_quotes | found_backslashes | found_controls) & TOPS
}

#[cfg(test)]
mod tests {
    use super::{Cursor, plain_length};

    #[test]
    fn texts_end_where_they_end() {
        for length in 0..40 {
            let text = "ä".repeat(length / 2) + &"x".repeat(length % 2);
            for tail in ["\"", "\",\"more\\\"", "\"\u{1}"] {
                let bytes = format!("{text}{tail}");
                assert_eq!(plain_length(bytes.as_bytes()), Some(text.len()));
            }
            for tail in ["", "\\\"\"", "\u{1f}\"", "\n\""] {
                let bytes = format!("{text}{tail}");
                assert_eq!(plain_length(bytes.as_bytes()), None, "{bytes:?}");
            }
        }
    }

    #[test]
    fn numbers_are_json_numbers() {
        let number = |text: &str| Cursor::new(text.as_bytes()).number();
        assert_eq!(number("0,"), Some(0));
        assert_eq!(number("9999999999999999999"), Some(9_999_999_999_999_999_999));
        for surprise in ["", "-1", "01", "1.0", "1e3", "1E3", "18446744073709551615", "x"] {
            assert_eq!(number(surprise), None, "{surprise}");
        }
    }

    #[test]
    fn floats_are_the_nearest() {
        let texts = [
            "0",
            "1",
            "69.18",
            "0.9166666666666666",
            "0.6666666666666666",
            "4306194175293",
            "0.000044271",
            "3.523471488",
            "9007199254740993.5",
        ];
        for text in texts {
            assert_eq!(Cursor::new(text.as_bytes()).float(), text.parse().ok(), "{text}");
        }
        for surprise in ["", "-1", "01", "1.", ".5", "1e3", "1.5e3", "00.5"] {
            assert_eq!(Cursor::new(surprise.as_bytes()).float(), None, "{surprise}");
        }
    }

    #[test]
    fn lists_hold_texts_only() {
        let texts = |text: &'static str| Cursor::new(text.as_bytes()).texts();
        assert_eq!(texts("[]"), Some(""));
        assert_eq!(texts("[\"a\",\"b\"]}"), Some("\"a\",\"b\""));
        for surprise in ["", "[", "[1]", "[\"a\"", "[\"a\",]", "[\"a\" ]", "[\"a\\n\"]", "null"] {
            assert_eq!(texts(surprise), None, "{surprise}");
        }
    }
}
