//! A look at one state of the data.

use crate::nouns::{declare, nouns};

nouns!(declare queries {
    /// Queries over one state of the data, one accessor per noun.
    ///
    /// Code that only reads takes `&mut dyn Read`; an open transaction gives one by [`Transaction::reading`](crate::Transaction::reading).
    pub trait Read: Send
});
