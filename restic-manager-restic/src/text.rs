//! Text inside messages: owned, or borrowed from the line it came in.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// The text type of a message: [`String`] in the owned form, [`Cow<str>`] in the borrowed one.
///
/// Every message type is generic over it with `String` as the default, so `Node` is the owned form and
/// [`NodeRef<'_>`](crate::event::NodeRef) the borrowed one. The trait is sealed.
pub trait Text:
    sealed::Sealed + AsRef<str> + Clone + fmt::Debug + Default + Eq + Hash + Serialize + IntoOwned<Owned = String>
{
    /// A list of such texts.
    type List: Clone + fmt::Debug + Default + PartialEq + Serialize + IntoOwned<Owned = Vec<String>>;
}

/// A text that can be read from JSON that lives for `'de`. The trait is sealed.
pub trait FromJson<'de>: Text<List: ListFromJson<'de>> {
    #[doc(hidden)]
    fn from_borrowed(text: &'de str) -> Self;
    #[doc(hidden)]
    fn from_owned(text: String) -> Self;
}

impl Text for String {
    type List = Vec<String>;
}

impl<'a> Text for Cow<'a, str> {
    type List = Strings<'a>;
}

impl<'de> FromJson<'de> for String {
    fn from_borrowed(text: &'de str) -> Self {
        text.to_owned()
    }

    fn from_owned(text: String) -> Self {
        text
    }
}

impl<'de: 'a, 'a> FromJson<'de> for Cow<'a, str> {
    fn from_borrowed(text: &'de str) -> Self {
        Cow::Borrowed(text)
    }

    fn from_owned(text: String) -> Self {
        Cow::Owned(text)
    }
}

/// A list of texts that borrows from the line it came in, split only when it is read.
///
/// ```
/// use restic_manager_restic::event::StatusRef;
///
/// let line = r#"{"message_type":"status","percent_done":0,"current_files":["/etc/hosts","/etc/passwd"]}"#;
/// let status: StatusRef<'_> = serde_json::from_str(line)?;
/// assert_eq!(status.current_files.iter().collect::<Vec<_>>(), ["/etc/hosts", "/etc/passwd"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Strings<'a>(Items<'a>);

#[derive(Clone)]
enum Items<'a> {
    /// What stands between the brackets of a JSON array: quoted texts without any escape, parted by single commas.
    Raw(&'a str),
    Split(Vec<Cow<'a, str>>),
}

impl<'a> Strings<'a> {
    /// The caller has checked that `inside` is the inside of a JSON array of strings without escapes or spaces.
    pub(crate) const fn from_checked(inside: &'a str) -> Self {
        Self(Items::Raw(inside))
    }

    /// The texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (raw, split) = match &self.0 {
            Items::Raw("") => (None, [].as_slice()),
            Items::Raw(inside) => (Some(*inside), [].as_slice()),
            Items::Split(items) => (None, items.as_slice()),
        };
        // A text without escapes holds no quote, so the quotes part the texts.
        let raw = raw.into_iter().flat_map(|inside| inside.split('"').skip(1).step_by(2));
        raw.chain(split.iter().map(AsRef::as_ref))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Default for Strings<'_> {
    fn default() -> Self {
        Self(Items::Raw(""))
    }
}

impl PartialEq for Strings<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Strings<'_> {}

impl fmt::Debug for Strings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Strings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Reads a text, borrowing it where the JSON needs no unescaping.
pub(crate) fn text<'de, D, S>(deserializer: D) -> Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: FromJson<'de>,
{
    deserializer.deserialize_str(TextVisitor(PhantomData)).map(|Read(text)| text)
}

/// As [`text()`], for a value that may be absent or null.
pub(crate) fn optional_text<'de, D, S>(deserializer: D) -> Result<Option<S>, D::Error>
where
    D: Deserializer<'de>,
    S: FromJson<'de>,
{
    Ok(Option::<Read<S>>::deserialize(deserializer)?.map(|Read(text)| text))
}

/// Reads a list of texts; null is Go's way of writing an empty one.
pub(crate) fn list<'de, D, L>(deserializer: D) -> Result<L, D::Error>
where
    D: Deserializer<'de>,
    L: ListFromJson<'de>,
{
    L::read(deserializer)
}

/// Reads a list of anything; null is Go's way of writing an empty one.
pub(crate) fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

#[doc(hidden)]
pub trait ListFromJson<'de>: Sized {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl<'de> ListFromJson<'de> for Vec<String> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        null_as_empty(deserializer)
    }
}

impl<'de: 'a, 'a> ListFromJson<'de> for Strings<'a> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(StringsVisitor).map(|items| Self(Items::Split(items)))
    }
}

struct StringsVisitor;

impl<'de> Visitor<'de> for StringsVisitor {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts or null")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = access.next_element::<Read<Cow<'de, str>>>()? {
            items.push(item);
        }
        Ok(items)
    }
}

/// A text on its way out of a deserializer: serde's own `Cow` never borrows when it is nested.
pub(crate) struct Read<S>(pub(crate) S);

impl<'de, S: FromJson<'de>> Deserialize<'de> for Read<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<S>(PhantomData<S>);

impl<'de, S: FromJson<'de>> Visitor<'de> for TextVisitor<S> {
    type Value = Read<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Read<S>, E> {
        Ok(Read(S::from_borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Read<S>, E> {
        Ok(Read(S::from_owned(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Read<S>, E> {
        Ok(Read(S::from_owned(text)))
    }
}

/// Turns a borrowed value into one that stands alone.
#[doc(hidden)]
pub trait IntoOwned {
    type Owned;

    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for String {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

impl IntoOwned for Cow<'_, str> {
    type Owned = String;

    fn into_owned(self) -> String {
        Cow::into_owned(self)
    }
}

impl IntoOwned for Strings<'_> {
    type Owned = Vec<String>;

    fn into_owned(self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

/// Values that borrow nothing.
macro_rules! stand_alone {
    ($($type:ty),* $(,)?) => {$(
        impl IntoOwned for $type {
            type Owned = Self;

            fn into_owned(self) -> Self {
                self
            }
        }
    )*};
}

stand_alone!(bool, u32, u64, i64, i32, f64, crate::Mode, crate::Timestamp);

/// Writes `into_owned` for a message type by naming its fields.
macro_rules! into_owned {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl<S: $crate::text::Text> $type<S> {
            /// The same message, borrowing nothing.
            pub fn into_owned(self) -> $type {
                $crate::text::IntoOwned::into_owned(self)
            }
        }

        impl<S: $crate::text::Text> $crate::text::IntoOwned for $type<S> {
            type Owned = $type;

            fn into_owned(self) -> $type {
                $type { $($field: $crate::text::IntoOwned::into_owned(self.$field)),* }
            }
        }
    };
}

pub(crate) use into_owned;

mod sealed {
    pub trait Sealed {}
    impl Sealed for String {}
    impl Sealed for std::borrow::Cow<'_, str> {}
}
