//! How a row lies in the columns of its table. One list of its fields gives the SELECT list, the INSERT and the
//! reader, which finds each column by its name.

use std::{borrow::Cow, marker::PhantomData};

use super::{Row, Value, value::Decode};
use crate::{Error, ErrorKind};

/// A struct that is some columns, of a table or within another row.
pub(super) trait Part: Sized {
    /// The names of its columns after a prefix.
    fn names(prefix: &str, names: &mut Vec<String>);

    /// Reads the columns of these names.
    fn read(columns: &Columns<'_>, prefix: &str) -> Result<Self, Error>;

    /// A value for each name, in their order; nulls where there is none of it.
    fn values(part: Option<&Self>, values: &mut Vec<Value>);
}

/// The rows of a table.
pub(super) trait Record: Part {
    const TABLE: &'static str;
    /// What one of them is called.
    const NOUN: &'static str;
    /// The columns that decide whether a row replaces another; none where rows are never replaced.
    const KEY: &'static str;
    /// Columns that are written and never read, because they follow from others.
    const DERIVED: &'static [&'static str];

    fn derived(&self, values: &mut Vec<Value>);

    /// The text that inserts a row unless it collides with another.
    fn insert() -> &'static str;

    /// The text that inserts a row or replaces the one with its key.
    fn upsert() -> &'static str;

    /// The values of both texts.
    fn written(&self) -> Vec<Value> {
        let mut values = Vec::new();
        Self::values(Some(self), &mut values);
        self.derived(&mut values);
        values
    }
}

/// A query for whole rows.
pub(super) struct Select<T>(pub(super) &'static str, PhantomData<fn() -> T>);

impl<T> Select<T> {
    pub(super) const fn new(sql: &'static str) -> Self {
        Self(sql, PhantomData)
    }
}

impl<T> Clone for Select<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Select<T> {}

/// The columns of one row, by name.
pub(super) struct Columns<'r> {
    row: &'r Row,
    /// The table, or what is looked for in several.
    of: &'static str,
    noun: &'static str,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r Row, of: &'static str, noun: &'static str) -> Self {
        Self { row, of, noun }
    }

    pub(super) fn get<T: Decode>(&self, name: &str) -> Result<T, Error> {
        self.decode(self.row.value(name, T::SHAPE), name)
    }

    /// The first column of a query that asks for nothing else.
    pub(super) fn only<T: Decode>(&self) -> Result<T, Error> {
        self.decode(self.row.first(T::SHAPE), "one")
    }

    fn decode<T: Decode>(&self, value: Result<Value, sqlx::Error>, name: &str) -> Result<T, Error> {
        let corrupt = |why: String| {
            Error::new(ErrorKind::Corrupt, self.noun).because(format!("column {name} of {}: {why}", self.of))
        };
        T::decode(value.map_err(|error| corrupt(error.to_string()))?)
            .ok_or_else(|| corrupt("no value of its kind".to_owned()))
    }
}

/// How a field of a struct becomes columns.
pub(super) trait Kind<T> {
    fn names(name: &str, names: &mut Vec<String>);
    fn read(columns: &Columns<'_>, name: &str) -> Result<T, Error>;
    fn values(value: Option<&T>, values: &mut Vec<Value>);
}

/// One column, called as the field or as the list says.
pub(super) struct One;

impl<T: Decode> Kind<T> for One {
    fn names(name: &str, names: &mut Vec<String>) {
        names.push(name.to_owned());
    }

    fn read(columns: &Columns<'_>, name: &str) -> Result<T, Error> {
        columns.get(name)
    }

    fn values(value: Option<&T>, values: &mut Vec<Value>) {
        values.push(value.map_or(Value::Null(T::SHAPE), T::encode));
    }
}

/// The columns of another struct, each after a prefix.
pub(super) struct Whole;

impl<T: Part> Kind<T> for Whole {
    fn names(prefix: &str, names: &mut Vec<String>) {
        T::names(prefix, names);
    }

    fn read(columns: &Columns<'_>, prefix: &str) -> Result<T, Error> {
        T::read(columns, prefix)
    }

    fn values(value: Option<&T>, values: &mut Vec<Value>) {
        T::values(value, values);
    }
}

/// The same for a struct that may be absent: it is when its first column is null.
pub(super) struct Maybe;

impl<T: Part> Kind<Option<T>> for Maybe {
    fn names(prefix: &str, names: &mut Vec<String>) {
        T::names(prefix, names);
    }

    fn read(columns: &Columns<'_>, prefix: &str) -> Result<Option<T>, Error> {
        let mut names = Vec::new();
        T::names(prefix, &mut names);
        let is_absent = names.first().is_none_or(|first| columns.row.is_null(first));
        if is_absent { Ok(None) } else { T::read(columns, prefix).map(Some) }
    }

    fn values(value: Option<&Option<T>>, values: &mut Vec<Value>) {
        T::values(value.and_then(Option::as_ref), values);
    }
}

/// A name after a prefix.
pub(super) fn joined<'n>(prefix: &str, name: &'n str) -> Cow<'n, str> {
    if prefix.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{prefix}{name}")) }
}

/// The names of the columns of one field.
pub(super) fn names_of<K: Kind<T>, S, T>(_field: fn(&S) -> &T, name: &str, names: &mut Vec<String>) {
    K::names(name, names);
}

fn names<T: Part>() -> Vec<String> {
    let mut names = Vec::new();
    T::names("", &mut names);
    names
}

pub(super) fn select_text<T: Record>(rest: &str) -> String {
    format!("SELECT {} FROM {} {rest}", names::<T>().join(", "), T::TABLE)
}

pub(super) fn insert_text<T: Record>() -> String {
    format!("{} ON CONFLICT DO NOTHING", insertion::<T>().0)
}

pub(super) fn upsert_text<T: Record>() -> String {
    let (insertion, names) = insertion::<T>();
    let is_key = |name: &&String| T::KEY.split(", ").any(|key| key == name.as_str());
    let replaced = names.iter().filter(|name| !is_key(name)).map(|name| format!("{name} = excluded.{name}"));
    let replaced = replaced.collect::<Vec<_>>().join(", ");
    format!("{insertion} ON CONFLICT ({}) DO UPDATE SET {replaced}", T::KEY)
}

fn insertion<T: Record>() -> (String, Vec<String>) {
    let mut names = names::<T>();
    names.extend(T::DERIVED.iter().map(|name| (*name).to_owned()));
    let places = (1..=names.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    (format!("INSERT INTO {} ({}) VALUES ({places})", T::TABLE, names.join(", ")), names)
}

/// An UPDATE whose condition has the first placeholders.
pub(super) fn update_text(table: &str, names: &[&str], keys: usize, condition: &str) -> String {
    let places = names.iter().zip(keys + 1..).map(|(name, number)| format!("{name} = ${number}"));
    format!("UPDATE {table} SET {} WHERE {condition}", places.collect::<Vec<_>>().join(", "))
}

/// The fields of a struct as columns:
///
/// ```text
/// columns! {
///     Alert of alerts, "alert", key "id" {   // without `of …`: a part of other rows
///         id,                                // a column of this name
///         user = user_id,                    // a column of another name
///         subject: "subject_",               // a part, its columns after a prefix
///         last_backup?: "last_backup_",      // a part that may be absent
///     }
///     besides { groups }                     // fields that are no columns
///     and |row| { name_key: fold(&row.name) } // columns that are written only
/// }
/// ```
macro_rules! columns {
    ($row:ident of $table:ident, $noun:literal $(, key $key:literal)? { $($fields:tt)* }
     $(besides { $($blank:ident),* })? $(and |$this:ident| { $($name:ident: $value:expr),* $(,)? })?) => {
        $crate::sql::record::columns! { $row { $($fields)* } $(besides { $($blank),* })? }

        impl $crate::sql::record::Record for $row {
            const TABLE: &'static str = stringify!($table);
            const NOUN: &'static str = $noun;
            const KEY: &'static str = concat!($($key)?);
            const DERIVED: &'static [&'static str] = &[$($(stringify!($name)),*)?];

            fn derived(&self, _values: &mut Vec<$crate::sql::Value>) {
                $(
                    let $this = self;
                    $(_values.push($crate::sql::value::Encode::encode(&$value));)*
                )?
            }

            fn insert() -> &'static str {
                $crate::sql::record::text!($crate::sql::record::insert_text::<$row>())
            }

            fn upsert() -> &'static str {
                $crate::sql::record::text!($crate::sql::record::upsert_text::<$row>())
            }
        }
    };
    ($row:ident {
        $($field:ident $(= $column:ident)? $(: $part:literal)? $(?: $option:literal)?),* $(,)?
    } $(besides { $($blank:ident),* })?) => {
        impl $crate::sql::record::Part for $row {
            fn names(prefix: &str, names: &mut Vec<String>) {
                use $crate::sql::record::{joined, kind, name, names_of};
                $(names_of::<kind!($(: $part)? $(?: $option)?), Self, _>(
                    |row| &row.$field,
                    &joined(prefix, name!($field $($column)? $($part)? $($option)?)),
                    names,
                );)*
            }

            fn read(
                columns: &$crate::sql::record::Columns<'_>,
                prefix: &str,
            ) -> Result<Self, $crate::Error> {
                use $crate::sql::record::{Kind, joined, kind, name};
                Ok(Self {
                    $($field: <kind!($(: $part)? $(?: $option)?) as Kind<_>>::read(
                        columns,
                        &joined(prefix, name!($field $($column)? $($part)? $($option)?)),
                    )?,)*
                    $($($blank: Default::default(),)*)?
                })
            }

            fn values(part: Option<&Self>, values: &mut Vec<$crate::sql::Value>) {
                use $crate::sql::record::{Kind, kind};
                $(<kind!($(: $part)? $(?: $option)?) as Kind<_>>::values(
                    part.map(|row| &row.$field),
                    values,
                );)*
            }
        }
    };
}

/// The kind of a field in a list of columns.
macro_rules! kind {
    () => {
        $crate::sql::record::One
    };
    (: $prefix:literal) => {
        $crate::sql::record::Whole
    };
    (?: $prefix:literal) => {
        $crate::sql::record::Maybe
    };
}

/// The name or prefix of a field in a list of columns.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $column:ident) => {
        stringify!($column)
    };
    ($field:ident $prefix:literal) => {
        $prefix
    };
}

/// A text that is put together once.
macro_rules! text {
    ($text:expr) => {{
        static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| $text);
        TEXT.as_str()
    }};
}

/// A query for rows: their type, and what follows the name of their table.
macro_rules! select {
    ($row:ident: $($rest:tt)*) => {
        $crate::sql::record::Select::<$row>::new($crate::sql::record::text!(
            $crate::sql::record::select_text::<$row>(concat!($($rest)*))
        ))
    };
}

/// An UPDATE and its values, those of the condition first.
macro_rules! update {
    ($table:ident { $($name:ident: $value:expr),* $(,)? } where $condition:literal, [$($key:expr),*]) => {(
        $crate::sql::record::text!($crate::sql::record::update_text(
            stringify!($table),
            &[$(stringify!($name)),*],
            [$(stringify!($key)),*].len(),
            $condition,
        )),
        $crate::sql::value::values![$($key,)* $($value),*],
    )};
}
pub(super) use {columns, kind, name, select, text, update};
