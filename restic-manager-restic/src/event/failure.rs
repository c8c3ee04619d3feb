use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::Phase;
use crate::text::{self, FromJson, IntoOwned, Read, Text, into_owned};

/// Something went wrong and the run goes on; message type `error`, printed on stderr.
///
/// The same item may be reported twice (once per phase). `check` prints advice texts in this form too, so counting
/// these says little.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Failure<S: Text = String> {
    /// The error value; see [`Failure::text`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<GoError<S>>,
    /// The text in the form that `check` uses.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub message: Option<S>,
    /// What restic was doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<Phase<S>>,
    /// The item concerned; bytes that are no UTF-8 arrive as U+FFFD.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub item: Option<S>,
}

/// A [`Failure`] that borrows from its line.
pub type FailureRef<'a> = Failure<Cow<'a, str>>;

/// An error value as Go wrote it.
///
/// From 0.17.1 on it holds a message. Older versions print whatever Go makes of the value: nothing at all (`{}`,
/// the text is lost) or the parts of a failed system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GoError<S: Text = String> {
    /// The text; restic 0.17.1 and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<S>,
    /// The system call that failed, such as `open`; before 0.17.1.
    #[serde(rename = "Op", skip_serializing_if = "Option::is_none")]
    pub operation: Option<S>,
    /// The path it was given; before 0.17.1.
    #[serde(rename = "Path", skip_serializing_if = "Option::is_none")]
    pub path: Option<S>,
    /// The error number of the operating system that ran restic; before 0.17.1.
    #[serde(rename = "Err", skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

impl<S: Text> Failure<S> {
    /// What went wrong, in one text for people, without surrounding blanks.
    pub fn text(&self) -> Cow<'_, str> {
        if let Some(message) = &self.message {
            return Cow::Borrowed(message.as_ref().trim());
        }
        self.error.as_ref().map_or(Cow::Borrowed("error without text"), GoError::text)
    }
}

impl<S: Text> GoError<S> {
    /// The message, or one made of the parts that are there.
    pub fn text(&self) -> Cow<'_, str> {
        if let Some(message) = &self.message {
            return Cow::Borrowed(message.as_ref().trim());
        }
        let mut text = self.operation.as_ref().map_or("error", AsRef::as_ref).to_owned();
        if let Some(path) = &self.path {
            text.push(' ');
            text.push_str(path.as_ref());
        }
        match self.number.map(|number| (number, errno_text(number))) {
            Some((_, Some(known))) => text = format!("{text}: {known}"),
            Some((number, None)) => text = format!("{text}: error number {number}"),
            None if self.operation.is_none() && self.path.is_none() => text.push_str(" without text"),
            None => {}
        }
        Cow::Owned(text)
    }
}

/// The numbers that reading and writing files meets, as Linux counts them (Windows has them all elsewhere, and
/// prints another text for them anyway).
fn errno_text(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "operation not permitted",
        2 => "no such file or directory",
        5 => "input/output error",
        11 => "resource temporarily unavailable",
        13 => "permission denied",
        16 => "device or resource busy",
        20 => "not a directory",
        21 => "is a directory",
        26 => "text file busy",
        28 => "no space left on device",
        30 => "read-only file system",
        36 => "file name too long",
        40 => "too many levels of symbolic links",
        61 => "no data available",
        116 => "stale file handle",
        _ => return None,
    })
}

into_owned!(Failure { error, message, during, item });

impl<S: Text> IntoOwned for GoError<S> {
    type Owned = GoError;

    fn into_owned(self) -> GoError {
        GoError {
            message: self.message.into_owned(),
            operation: self.operation.into_owned(),
            path: self.path.into_owned(),
            number: self.number,
        }
    }
}

/// A Go value of any shape is taken, since it follows no design.
impl<'de, S: FromJson<'de>> Deserialize<'de> for GoError<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GoErrorVisitor<S>(std::marker::PhantomData<S>);

        impl<'de, S: FromJson<'de>> Visitor<'de> for GoErrorVisitor<S> {
            type Value = GoError<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error value")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<GoError<S>, E> {
                Ok(GoError {
                    message: Some(S::from_borrowed(text)),
                    operation: None,
                    path: None,
                    number: None,
                })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoError<S>, E> {
                let message = Some(S::from_owned(text.to_owned()));
                Ok(GoError { message, operation: None, path: None, number: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GoError<S>, A::Error> {
                let mut error = GoError { message: None, operation: None, path: None, number: None };
                while let Some(Read(key)) = map.next_key::<Read<Cow<'de, str>>>()? {
                    match key.as_ref() {
                        "message" => error.message = map.next_value::<Lenient<S>>()?.text,
                        "Op" => error.operation = map.next_value::<Lenient<S>>()?.text,
                        "Path" => error.path = map.next_value::<Lenient<S>>()?.text,
                        "Err" => error.number = map.next_value::<Lenient<S>>()?.number,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(error)
            }
        }

        deserializer.deserialize_any(GoErrorVisitor(std::marker::PhantomData))
    }
}

/// A value that is used when it has the right type and passed over otherwise.
struct Lenient<S> {
    text: Option<S>,
    number: Option<u64>,
}

impl<'de, S: FromJson<'de>> Deserialize<'de> for Lenient<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LenientVisitor<S>(std::marker::PhantomData<S>);

        impl<S> LenientVisitor<S> {
            const NOTHING: Lenient<S> = Lenient { text: None, number: None };
        }

        impl<'de, S: FromJson<'de>> Visitor<'de> for LenientVisitor<S> {
            type Value = Lenient<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Lenient<S>, E> {
                Ok(Lenient { text: Some(S::from_borrowed(text)), number: None })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Lenient<S>, E> {
                Ok(Lenient { text: Some(S::from_owned(text.to_owned())), number: None })
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Lenient<S>, E> {
                Ok(Lenient { text: None, number: Some(number) })
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Lenient<S>, E> {
                Ok(Self::NOTHING)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Lenient<S>, E> {
                Ok(Self::NOTHING)
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Lenient<S>, E> {
                Ok(Self::NOTHING)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Lenient<S>, E> {
                Ok(Self::NOTHING)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Lenient<S>, A::Error> {
                while access.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Self::NOTHING)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Lenient<S>, A::Error> {
                while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Self::NOTHING)
            }
        }

        deserializer.deserialize_any(LenientVisitor(std::marker::PhantomData))
    }
}

/// Why the run failed; message type `exit_error`, the last line of stderr with restic 0.18 and later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct ExitError<S: Text = String> {
    /// The exit code that follows.
    pub code: i32,
    /// The reason: often several lines, at times with a whole Go stack trace. See [`ExitError::reason`].
    #[serde(deserialize_with = "text::text")]
    pub message: S,
}

impl<S: Text> ExitError<S> {
    /// The first line of the message without the leading `Fatal:`, which restic may print twice.
    pub fn reason(&self) -> &str {
        crate::line::first_words(self.message.as_ref())
    }
}

into_owned!(ExitError { code, message });
