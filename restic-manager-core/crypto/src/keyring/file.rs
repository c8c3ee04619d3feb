//! The text of a key file: a comment, a line that names the format, one line per key, oldest first.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use crate::{
    derive::{KEY_LEN, Key},
    keyring::KeyId,
};

const FORMAT: &str = "restic-manager-keyring-v1";
const COMMENT: &str = "# Keys that seal secrets at rest, oldest first. Keep a copy apart from the database:
# without it nothing that was sealed can be read again.";

pub(super) fn format<'a>(keys: impl Iterator<Item = &'a (KeyId, Key)>) -> Zeroizing<String> {
    // One key takes 61 bytes; room for all avoids copies that nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
    text.push_str(COMMENT);
    text.push('\n');
    text.push_str(FORMAT);
    text.push('\n');
    for (id, key) in keys {
        text.push_str(&id.to_string());
        text.push(' ');
        text.push_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(key.as_slice())));
        text.push('\n');
    }
    text
}

pub(super) fn parse(text: &str) -> Result<Vec<(KeyId, Key)>, &'static str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match lines.next() {
        Some(FORMAT) => lines.map(parse_key).collect(),
        Some(_) => Err("it is not a key file of this version"),
        None => Err("it is empty"),
    }
}

fn parse_key(line: &str) -> Result<(KeyId, Key), &'static str> {
    let (id, text) = line.split_once(' ').ok_or("a line of it is cut short")?;
    let mut key = Key::default();
    let decoded = Base64UrlUnpadded::decode(text, key.as_mut_slice()).map_or(0, <[u8]>::len);
    if decoded != KEY_LEN {
        return Err("a key in it is cut short or misspelt");
    }
    let derived = KeyId::of(&key);
    if derived.to_string() == id { Ok((derived, key)) } else { Err("a key in it does not match its id") }
}
