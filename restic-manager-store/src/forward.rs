//! Accessors for a store around another one.

use crate::nouns::nouns;

macro_rules! forwarding {
    ($d:tt; $($(#[$doc:meta])* $noun:ident: $queries:ident, $changes:ident;)*) => {
        /// The accessors of a [`Read`](crate::Read) or a [`Transaction`](crate::Transaction) around another one, which is
        /// in the named field.
        #[macro_export]
        macro_rules! forward_nouns {
            (Read, $d field:ident) => {
                $(fn $noun(&mut self) -> &mut dyn $crate::$noun::$queries {
                    self.$d field.$noun()
                })*
            };
            (Transaction, $d field:ident) => {
                $(fn $noun(&mut self) -> &mut dyn $crate::$noun::$changes {
                    self.$d field.$noun()
                })*

                fn reading(&mut self) -> &mut dyn $crate::Read {
                    self.$d field.reading()
                }
            };
        }
    };
}

nouns!(forwarding $);
