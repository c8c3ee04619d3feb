//! How values become columns and back.

use restic_manager_proto::{
    AlertId, ApiTokenId, AuditId, Bandwidth, ChannelId, CommandSource, DeliveryId, EnrolmentId, FreezeId,
    HostFacts, HostId, JobId, JobOptions, MaintenanceId, Matcher, Misfire, NoticeId, OutboxId, PasskeyId,
    PendingHostId, PreviewedSnapshot, RepositoryId, Retention, RouteId, RouteRule, ScheduleId, Scope,
    SessionId, SilenceId, SnapshotSeen, SourceGroupId, SourceOptions, Statistics, Timestamp, UserId,
    vocabulary::{
        Action, ActorKind, AlertKind, AlertState, Cause, ChannelKind, CredentialSlot, DeletionVerdict,
        DeliveryState, EnrolmentState, FreezeCause, JobKind, JobState, LeaseMode, LeaseState, NoticeKind,
        Outcome, PendingHostState, PresenceMode, RepositoryState, Role, Severity, Trigger,
    },
};

use sqlx::Row as _;
use std::collections::BTreeMap;

use crate::{
    PasswordHash, PublicKey, SealedBlob, TokenHash, alerts::AlertEvent, enrolments::PlannedAttachment,
    hosts::DayTally, limits::Lane, value::without_nul,
};

/// The kinds of column there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Integer,
    Text,
    Bytes,
    Boolean,
}

/// What goes into one placeholder or comes out of one column. Nulls know their shape because PostgreSQL wants it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null(Shape),
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
    Boolean(bool),
}

/// A row as its driver gave it.
pub(crate) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    pub(super) fn value(&self, name: &str, shape: Shape) -> Result<Value, sqlx::Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => value(row, name, shape),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => value(row, name, shape),
        }
    }

    /// The value of its first column.
    pub(super) fn first(&self, shape: Shape) -> Result<Value, sqlx::Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => value(row, 0, shape),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => value(row, 0, shape),
        }
    }

    pub(super) fn is_null(&self, name: &str) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => is_null(row.try_get_raw(name)),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => is_null(row.try_get_raw(name)),
        }
    }
}

fn value<'r, R, I>(row: &'r R, index: I, shape: Shape) -> Result<Value, sqlx::Error>
where
    R: sqlx::Row,
    I: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let value = match shape {
        Shape::Integer => row.try_get::<Option<i64>, _>(index)?.map(Value::Integer),
        Shape::Text => row.try_get::<Option<String>, _>(index)?.map(Value::Text),
        Shape::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
        Shape::Boolean => row.try_get::<Option<bool>, _>(index)?.map(Value::Boolean),
    };
    Ok(value.unwrap_or(Value::Null(shape)))
}

fn is_null<'r>(value: Result<impl sqlx::ValueRef<'r>, sqlx::Error>) -> bool {
    value.is_ok_and(|value| value.is_null())
}

/// What can go into a placeholder.
pub(super) trait Encode {
    const SHAPE: Shape;
    fn encode(&self) -> Value;
}

/// What can come out of a column.
pub(super) trait Decode: Encode + Sized {
    fn decode(value: Value) -> Option<Self>;
}

/// The values of a statement, in the order of its placeholders.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::value::Encode::encode(&$value)),*] };
}
pub(super) use values;

impl<T: Encode + ?Sized> Encode for &T {
    const SHAPE: Shape = T::SHAPE;
    fn encode(&self) -> Value {
        T::encode(self)
    }
}

impl<T: Encode> Encode for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null(T::SHAPE), T::encode)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: Value) -> Option<Self> {
        if matches!(value, Value::Null(_)) { Some(None) } else { T::decode(value).map(Some) }
    }
}

impl Encode for str {
    const SHAPE: Shape = Shape::Text;
    fn encode(&self) -> Value {
        Value::Text(without_nul(self))
    }
}

impl Encode for String {
    const SHAPE: Shape = Shape::Text;
    fn encode(&self) -> Value {
        self.as_str().encode()
    }
}

impl Decode for String {
    fn decode(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Encode for bool {
    const SHAPE: Shape = Shape::Boolean;
    fn encode(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Decode for bool {
    fn decode(value: Value) -> Option<Self> {
        if let Value::Boolean(yes) = value { Some(yes) } else { None }
    }
}

impl Encode for [u8] {
    const SHAPE: Shape = Shape::Bytes;
    fn encode(&self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl Encode for Timestamp {
    const SHAPE: Shape = Shape::Integer;
    fn encode(&self) -> Value {
        Value::Integer(self.as_milliseconds())
    }
}

impl Decode for Timestamp {
    fn decode(value: Value) -> Option<Self> {
        i64::decode(value).map(Self::from_milliseconds)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Encode for $integer {
            const SHAPE: Shape = Shape::Integer;
            fn encode(&self) -> Value {
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }

        impl Decode for $integer {
            fn decode(value: Value) -> Option<Self> {
                if let Value::Integer(number) = value { number.try_into().ok() } else { None }
            }
        }
    )*};
}
integers!(i64, u64, u32, i32, u16, usize);

/// A type that is bytes underneath: how to borrow them, how to make it of them.
macro_rules! bytes {
    ($($type:ty: $borrow:expr, $make:expr;)*) => {$(
        impl Encode for $type {
            const SHAPE: Shape = Shape::Bytes;
            fn encode(&self) -> Value {
                let borrow: fn(&Self) -> &[u8] = $borrow;
                Value::Bytes(borrow(self).to_vec())
            }
        }

        impl Decode for $type {
            fn decode(value: Value) -> Option<Self> {
                let Value::Bytes(bytes) = value else { return None };
                let make: fn(Vec<u8>) -> Option<Self> = $make;
                make(bytes)
            }
        }
    )*};
}

bytes! {
    Vec<u8>: |bytes| bytes, Some;
    [u8; 32]: |bytes| bytes, |bytes| bytes.try_into().ok();
    [u8; 64]: |bytes| bytes, |bytes| bytes.try_into().ok();
    [u8; 16]: |bytes| bytes, |bytes| bytes.try_into().ok();
    TokenHash: |hash| hash.as_bytes(), |bytes| bytes.try_into().ok().map(TokenHash::new);
    Lane: |lane| lane.as_bytes(), |bytes| bytes.try_into().ok().map(Lane::new);
    PublicKey: |key| key.as_bytes(), |bytes| bytes.try_into().ok().map(PublicKey::new);
    SealedBlob: |blob| blob.as_bytes(), |bytes| Some(SealedBlob::new(bytes));
}

macro_rules! ids {
    ($($id:ident),*) => { bytes! {$(
        $id: |id| id.as_bytes(), |bytes| bytes.try_into().ok().map($id::from_bytes);
    )*} };
}
ids!(
    ChannelId,
    DeliveryId,
    NoticeId,
    RouteId,
    SilenceId,
    ApiTokenId,
    PasskeyId,
    AlertId,
    AuditId,
    EnrolmentId,
    FreezeId,
    HostId,
    JobId,
    MaintenanceId,
    OutboxId,
    PendingHostId,
    RepositoryId,
    ScheduleId,
    SessionId,
    SourceGroupId,
    UserId
);

impl Encode for PasswordHash {
    const SHAPE: Shape = Shape::Text;
    fn encode(&self) -> Value {
        self.as_str().encode()
    }
}

impl Decode for PasswordHash {
    fn decode(value: Value) -> Option<Self> {
        String::decode(value).map(Self::new)
    }
}

macro_rules! words {
    ($($word:ident),*) => {$(
        impl Encode for $word {
            const SHAPE: Shape = Shape::Text;
            fn encode(&self) -> Value {
                Value::Text(self.as_str().to_owned())
            }
        }

        impl Decode for $word {
            fn decode(value: Value) -> Option<Self> {
                String::decode(value)?.parse().ok()
            }
        }
    )*};
}
words!(
    Action,
    ActorKind,
    AlertKind,
    AlertState,
    Cause,
    ChannelKind,
    DeliveryState,
    NoticeKind,
    CredentialSlot,
    DeletionVerdict,
    EnrolmentState,
    FreezeCause,
    JobKind,
    JobState,
    LeaseMode,
    LeaseState,
    Outcome,
    PendingHostState,
    PresenceMode,
    RepositoryState,
    Role,
    Severity,
    Trigger
);

/// Lists and small structures that nothing searches by.
macro_rules! json {
    ($($type:ty),*) => {$(
        impl Encode for $type {
            const SHAPE: Shape = Shape::Text;
            fn encode(&self) -> Value {
                serde_json::to_string(self).map_or(Value::Null(Shape::Text), Value::Text)
            }
        }

        impl Decode for $type {
            fn decode(value: Value) -> Option<Self> {
                serde_json::from_str(&String::decode(value)?).ok()
            }
        }
    )*};
}
json!(
    Vec<AlertEvent>,
    Vec<DayTally>,
    Vec<String>,
    Vec<PlannedAttachment>,
    BTreeMap<String, String>,
    Bandwidth,
    CommandSource,
    HostFacts,
    JobOptions,
    Matcher,
    Misfire,
    PreviewedSnapshot,
    Retention,
    RouteRule,
    Scope,
    SnapshotSeen,
    SourceOptions,
    Statistics,
    serde_json::Value
);
