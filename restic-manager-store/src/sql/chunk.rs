//! Log lines as bytes: plain while they arrive, compressed once there are enough.
//!
//! First a byte for the format, then per line: sequence and moment as differences to the line before, stream, text.
//! Numbers are LEB128, moments zigzag first.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use restic_manager_proto::{LogLine, Timestamp, vocabulary::LogStream};

use crate::{Error, ErrorKind};

const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;

/// More than any chunk holds, so that a damaged one cannot fill the memory.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What a line counts towards a full chunk.
pub(super) fn weight(line: &LogLine) -> u64 {
    line.text.len() as u64 + 16
}

pub(super) fn plain(lines: &[LogLine]) -> Vec<u8> {
    let mut bytes = vec![PLAIN];
    encode(lines, &mut bytes);
    bytes
}

pub(super) fn compressed(lines: &[LogLine]) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    encode(lines, &mut plain);
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::new(LEVEL));
    encoder.write_all(&plain).map_err(corrupt)?;
    encoder.finish().map_err(corrupt)
}

pub(super) fn decode(bytes: &[u8], lines: &mut Vec<LogLine>) -> Result<(), Error> {
    match bytes.split_first() {
        Some((&PLAIN, body)) => decode_lines(body, lines),
        Some((&DEFLATED, body)) => {
            let mut plain = Vec::with_capacity(body.len() * 8);
            DeflateDecoder::new(body).take(LARGEST).read_to_end(&mut plain).map_err(corrupt)?;
            decode_lines(&plain, lines)
        }
        _ => Err(damaged()),
    }
}

fn encode(lines: &[LogLine], bytes: &mut Vec<u8>) {
    let (mut sequence, mut moment) = (0, 0);
    for line in lines {
        let now = line.at.as_milliseconds();
        put_number(line.sequence - sequence, bytes);
        put_number(zigzag(now - moment), bytes);
        put_text(line.stream.as_str(), bytes);
        put_text(&line.text, bytes);
        (sequence, moment) = (line.sequence, now);
    }
}

fn decode_lines(mut bytes: &[u8], lines: &mut Vec<LogLine>) -> Result<(), Error> {
    let (mut sequence, mut moment) = (0_u64, 0_i64);
    while !bytes.is_empty() {
        sequence = sequence.wrapping_add(take_number(&mut bytes)?);
        moment = moment.wrapping_add(unzigzag(take_number(&mut bytes)?));
        let stream: LogStream = take_text(&mut bytes)?.parse().map_err(corrupt)?;
        let text = take_text(&mut bytes)?.to_owned();
        lines.push(LogLine { sequence, at: Timestamp::from_milliseconds(moment), stream, text });
    }
    Ok(())
}

fn put_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Result<u64, Error> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or_else(damaged)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(damaged())
}

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    put_number(text.len() as u64, bytes);
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Result<&'b str, Error> {
    let length = usize::try_from(take_number(bytes)?).map_err(corrupt)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
    *bytes = rest;
    str::from_utf8(text).map_err(corrupt)
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "log")
}

fn corrupt(error: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Error {
    damaged().because(error)
}

/// Measured on restic's own lines; see the benchmark `store`.
const LEVEL: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_lines() -> impl Strategy<Value = Vec<LogLine>> {
        let line = (1..1000_u64, 0..1_900_000_000_000_i64, 0..LogStream::ALL.len(), ".*");
        prop::collection::vec(line, 0..40).prop_map(|lines| {
            let mut sequence = 0;
            lines
                .into_iter()
                .map(|(step, moment, stream, text)| {
                    sequence += step;
                    let at = Timestamp::from_milliseconds(moment);
                    LogLine { sequence, at, stream: LogStream::ALL[stream], text }
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn lines_come_back_as_they_were(lines in any_lines()) {
            for bytes in [plain(&lines), compressed(&lines).unwrap()] {
                let mut back = Vec::new();
                decode(&bytes, &mut back).unwrap();
                prop_assert_eq!(&back, &lines);
            }
        }

        #[test]
        fn any_bytes_are_lines_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut lines = Vec::new();
            let _ = decode(&bytes, &mut lines);
        }
    }
}
