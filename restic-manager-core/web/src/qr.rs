//! QR codes, drawn here: what is in them leaves this process with the page alone.

use qrcode::{Color, QrCode};
use serde::Serialize;

/// Readers want this much white around the code.
const MARGIN: usize = 4;

/// A code as an SVG: the side of its square, and the path of its dark parts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Qr {
    side: usize,
    path: String,
}

impl Qr {
    /// Draws a text; none when it is too long for a code.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, colours) in code.to_colors().chunks(width).enumerate() {
            let mut column = 0;
            for run in colours.chunk_by(|one, next| one == next) {
                if run[0] == Color::Dark {
                    let (x, y, length) = (column + MARGIN, row + MARGIN, run.len());
                    path.push_str(&format!("M{x} {y}h{length}v1h-{length}z"));
                }
                column += run.len();
            }
        }
        Some(Self { side: width + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_its_finders_and_white_around() {
        let qr = Qr::new("otpauth://totp/x:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=x").unwrap();
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert!((21 + 8..=57 + 8).contains(&qr.side));
        assert!(qr.path.chars().all(|letter| letter.is_ascii_digit() || "Mhvz- ".contains(letter)));
        assert!(Qr::new(&"x".repeat(4000)).is_none());
    }
}
