use crate::{SecretString, password::words};

/// The fewest characters that a password may have.
pub const MIN_PASSWORD_CHARACTERS: usize = 12;
/// The longest password that is hashed or compared.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// The effort of one well-known piece, or of one letter or digit that belongs to none.
const PIECE: usize = 2;
/// The effort of one sign: it mostly stands between pieces or at the end.
const SIGN: usize = 1;
/// Three pieces and a sign are tried early by every guesser.
const EASY: usize = 3 * PIECE + SIGN;
/// Only the start is searched for pieces: whatever needs more than this is not easy.
const SEARCHED_CHARACTERS: usize = 64;
const FEWEST_DISTINCT: usize = 5;
const SHORTEST_RUN: usize = 3;

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakPassword {
    /// It has fewer than 12 characters.
    #[error("too short; take at least {MIN_PASSWORD_CHARACTERS} characters, such as four unrelated words")]
    TooShort,
    /// It is longer than 1 KiB.
    #[error("too long; take at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// It repeats itself.
    #[error("it repeats itself; take four unrelated words instead")]
    Repetitive,
    /// It is a well-known password, or a few well-known words, runs or years in a row.
    #[error("it is made of what guessers try first; take four unrelated words instead")]
    Common,
    /// It is little more than the person's or the product's own name.
    #[error("it is little more than a name; take four unrelated words instead")]
    Name,
}

/// Whether a new password is good enough for a person with these names (login, address, host).
///
/// Length counts, kinds of characters do not. Instead of a list of known passwords, hardly any of which has
/// 12 characters, the password is taken apart: common words, keyboard and number runs, repeated characters
/// and years count as one piece each, whatever the spelling (`p4$$w0rd`), any other letter or digit as a
/// piece of its own, a sign as half of one; three pieces and a sign are too few.
///
/// ```
/// use restic_manager_crypto::{SecretString, WeakPassword, check_password};
/// let check = |text: &str| check_password(&SecretString::new(text), &["alice"]);
/// assert_eq!(check("Tr0ub4dor&3"), Err(WeakPassword::TooShort));
/// assert_eq!(check("P4$$w0rd2024!!"), Err(WeakPassword::Common));
/// assert_eq!(check("alice-alice-"), Err(WeakPassword::Repetitive));
/// assert_eq!(check("alice.restic1"), Err(WeakPassword::Name));
/// assert_eq!(check("violet teapots argue"), Ok(()));
/// ```
///
/// # Errors
/// The first rule that it breaks.
pub fn check_password(password: &SecretString, names: &[&str]) -> Result<(), WeakPassword> {
    let text = password.expose();
    if text.len() > MAX_PASSWORD_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let characters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    if text.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(WeakPassword::TooShort);
    }
    if is_repetitive(&characters) {
        return Err(WeakPassword::Repetitive);
    }
    let characters = &characters[..characters.len().min(SEARCHED_CHARACTERS)];
    if effort(characters, &[]) <= EASY {
        return Err(WeakPassword::Common);
    }
    let names: Vec<Vec<char>> = names.iter().flat_map(|name| parts_of_name(name)).collect();
    if effort(characters, &names) <= EASY { Err(WeakPassword::Name) } else { Ok(()) }
}

fn is_repetitive(characters: &[char]) -> bool {
    let mut distinct = characters.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let repeats_after =
        |length: usize| characters.iter().zip(&characters[length..]).all(|(left, right)| left == right);
    distinct.len() < FEWEST_DISTINCT || (1..=characters.len() / 2).any(repeats_after)
}

/// The least effort that makes up the text, by dynamic programming over its length.
fn effort(characters: &[char], names: &[Vec<char>]) -> usize {
    let plain: Vec<char> = characters.iter().map(|c| unleet(*c)).collect();
    let mut least = vec![usize::MAX; characters.len() + 1];
    least[0] = 0;
    for start in 0..characters.len() {
        let before = least[start];
        let (as_typed, plain) = (&characters[start..], &plain[start..]);
        let single = if as_typed[0].is_alphanumeric() { PIECE } else { SIGN };
        least[start + 1] = least[start + 1].min(before + single);
        let run = run_length(as_typed);
        // A run may also stop early, to leave room for what follows it.
        let runs = (SHORTEST_RUN..run).chain([run]);
        let named = names.iter().map(|name| common_prefix(plain, name));
        let known = words::lengths_at(plain).chain(words::lengths_at(as_typed)).chain(named);
        for length in known.chain(runs).chain([year_length(as_typed)]).filter(|length| *length > 0) {
            least[start + length] = least[start + length].min(before + PIECE);
        }
    }
    least[characters.len()]
}

/// How many characters from the start stay the same, or follow each other on the keyboard, in the alphabet
/// or among the digits; 0 when too few.
fn run_length(characters: &[char]) -> usize {
    let length_while = |follows: &dyn Fn(char, char) -> bool| {
        1 + characters.windows(2).take_while(|pair| follows(pair[0], pair[1])).count()
    };
    let same = length_while(&|left, right| left == right);
    let in_row = |row: &str, left, right| {
        row.chars().zip(row.chars().skip(1)).any(|pair| pair == (left, right) || pair == (right, left))
    };
    let longest = words::ROWS.iter().map(|row| length_while(&|left, right| in_row(row, left, right))).max();
    let run = same.max(longest.unwrap_or(0));
    // Two equal characters are a piece as well ("!!"), two neighbours are not.
    if run >= SHORTEST_RUN || same >= 2 { run.min(characters.len()) } else { 0 }
}

fn year_length(characters: &[char]) -> usize {
    match characters {
        ['1', '9', a, b, ..] | ['2', '0', a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit() => 4,
        _ => 0,
    }
}

/// The word's length when the text starts with it, else 0.
fn common_prefix(characters: &[char], word: &[char]) -> usize {
    if characters.starts_with(word) { word.len() } else { 0 }
}

fn parts_of_name(name: &str) -> Vec<Vec<char>> {
    let plain = |part: &str| part.chars().flat_map(char::to_lowercase).map(unleet).collect::<Vec<_>>();
    let parts = name.split(|c: char| !c.is_alphanumeric());
    parts.chain([name]).filter(|part| part.chars().count() >= SHORTEST_RUN).map(plain).collect()
}

/// The letter that a digit or sign stands for in `p4$$w0rd`.
const fn unleet(character: char) -> char {
    match character {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{WeakPassword, check_password};
    use crate::SecretString;
    use proptest::prelude::*;

    fn check(text: &str) -> Result<(), WeakPassword> {
        check_password(&SecretString::new(text), &["bob.miller@example.net", "host-17"])
    }

    #[test]
    fn what_guessers_try_first_is_refused() {
        for text in [
            "password1234",
            "Password123!",
            "P@ssw0rd12345",
            "passwordpassword1",
            "qwertyuiop123",
            "1qaz2wsx3edc4rfv",
            "letmein123456",
            "iloveyou2023!",
            "Summer2024!!",
            "Welcome12345",
            "administrator1",
            "changeme12345",
            "123456789012",
            "0987654321098",
            "abcdefghijklm",
            "zxcvbnm12345",
            "adminadmin123",
            "trustno1-letmein",
            "monkeydragon1",
            "footballbaseball",
            "BackupServer1",
            "resticmanager",
            "superman1999!",
            "sunshine!!!!!",
            "asdfghjkl;12",
            "mypassword123",
            "Passw0rd!2025",
            "princess12345",
            "masterpassword",
        ] {
            assert_eq!(check(text), Err(WeakPassword::Common), "{text}");
        }
    }

    #[test]
    fn names_are_refused() {
        for text in ["bobmiller1985", "Miller-miller!", "example.net1", "host-17..bob"] {
            assert_eq!(check(text), Err(WeakPassword::Name), "{text}");
        }
    }

    #[test]
    fn repetition_is_refused() {
        for text in ["aaaaaaaaaaaa", "abababababab", "xK9#xK9#xK9#", "hunter2hunter2", "111222111222"] {
            assert_eq!(check(text), Err(WeakPassword::Repetitive), "{text}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_and_limited_in_bytes() {
        assert_eq!(check("ünïcödé-wör"), Err(WeakPassword::TooShort));
        assert_eq!(check("ünïcödé-wörd"), Ok(()));
        assert_eq!(check(&"vk3-Lq9z".repeat(128)), Err(WeakPassword::Repetitive));
        assert_eq!(check(&"vk3-Lq9z".repeat(129)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn what_people_and_programs_choose_well_passes() {
        for text in [
            "violet teapots argue",
            "correct horse battery staple",
            "k7#Vq2!mZx9p",
            "Xu4hohreiw9a",
            "dfjhg8347zhs",
            "Der Fuchs im Schnee",
            "moose-lantern-gravel",
            "名前は秘密にしておくよ絶対に",
            "3e6c1f0a9b7d",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in any::<String>(), name in any::<String>()) {
            let _ = check_password(&SecretString::new(text), &[&name]);
        }

        #[test]
        fn twenty_random_letters_pass(text in "[a-z]{20}") {
            prop_assert_eq!(check(&text), Ok(()));
        }
    }
}
