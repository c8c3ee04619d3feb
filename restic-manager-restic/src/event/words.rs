//! Enumerations that restic prints as words, each open to words of later versions.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name<S: $crate::Text = String> {
            $($(#[$variant_meta])* $variant,)*
            /// A word this version of the crate does not know.
            Other(S),
        }

        impl<S: $crate::Text> $name<S> {
            /// The word as restic prints it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word.as_ref(),
                }
            }

            pub(crate) fn known(word: &[u8]) -> Option<Self> {
                match word {
                    $(word if word == $word.as_bytes() => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl<S: $crate::Text> std::fmt::Display for $name<S> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<S: $crate::Text> serde::Serialize for $name<S> {
            fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de, S: $crate::FromJson<'de>> serde::Deserialize<'de> for $name<S> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word: S = $crate::text::text(deserializer)?;
                Ok(Self::known(word.as_ref().as_bytes()).unwrap_or(Self::Other(word)))
            }
        }

        impl<S: $crate::Text> $crate::text::IntoOwned for $name<S> {
            type Owned = $name;

            fn into_owned(self) -> $name {
                match self {
                    $(Self::$variant => $name::$variant,)*
                    Self::Other(word) => $name::Other(word.into_owned()),
                }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// What restic was doing when something went wrong.
    Phase {
        /// Counting what is there to back up, beside the backup itself.
        Scan = "scan",
        /// Reading and storing an item.
        Archival = "archival",
        /// Writing a restored item.
        Restore = "restore",
    }
}
