//! What no peer can take more of: the server's own numbers in one table. What both ends of a connection share stands in
//! [`restic_manager_proto::limits`], what an operator may choose in [`crate::config::Limits`].

use core::{fmt, time::Duration};
use restic_manager_core::limit::Allowance;

/// One limit of the server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// Its name in the source.
    pub name: &'static str,
    /// How much it is.
    pub number: Number,
    /// What it bounds.
    pub what: &'static str,
    /// The file below `src/` that holds to it.
    pub place: &'static str,
    /// The test that shows so, by the name of its function.
    pub test: &'static str,
}

/// What both ends of an agent's connection share.
pub use restic_manager_proto::limits::ALL as SHARED;

/// How much a limit is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Number {
    /// So many.
    Count(usize),
    /// So long.
    Time(Duration),
    /// So many at once, and so many more as time passes.
    Rate(Allowance),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Time(time) => write!(f, "{} s", time.as_secs()),
            Self::Rate(Allowance { burst, every }) => {
                write!(f, "{burst} at once, then one every {} s", every.as_secs())
            }
        }
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $value:expr, $what:literal, $place:literal, $test:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: $kind = $value;)*

        /// Every limit.
        pub const ALL: &[Limit] = &[$(Limit {
            name: stringify!($name),
            number: number!($kind, $name),
            what: $what,
            place: $place,
            test: $test,
        }),*];
    };
}

macro_rules! number {
    (usize, $name:ident) => {
        Number::Count($name)
    };
    (Duration, $name:ident) => {
        Number::Time($name)
    };
    (Allowance, $name:ident) => {
        Number::Rate($name)
    };
}

const fn every(burst: u32, seconds: u64) -> Allowance {
    Allowance { burst, every: Duration::from_secs(seconds) }
}

limits! {
    /// Agents that may be proving themselves at once.
    HANDSHAKES: usize = 256, "handshakes of agents at once, from their first message on", "parts/places.rs",
        "one_source_takes_a_quarter_of_the_places";
    /// The same, from one source.
    HANDSHAKES_OF_SOURCE: usize = HANDSHAKES / 4, "the same from one address, or one IPv6 /64", "parts/places.rs",
        "one_source_takes_a_quarter_of_the_places";
    /// How long a connection's first message may take, and its second.
    HELLO_TIME: Duration = Duration::from_secs(3), "until an agent's first message, and from then to its proof",
        "agents/handshake.rs", "a_silent_connection_is_given_up";
    /// How long a handshake waits for a place.
    PLACE_TIME: Duration = Duration::from_secs(3), "that a handshake waits for a place before it is told to come again",
        "agents/connection.rs", "whoever_waits_gets_the_next_place";
    /// Jobs that an agent holds at once, waiting ones included; more stay queued here.
    JOBS_AT_AGENT: usize = 16, "jobs that one agent holds at once; more stay queued", "agents/connection.rs",
        "an_agent_holds_so_many_jobs_and_no_more";
    /// Hosts whose claims one transaction decides.
    CLAIMS_AT_ONCE: usize = 64, "claims of jobs that are decided in one transaction", "agents/claim.rs",
        "one_decides_at_a_time_for_all_in_the_order_of_asking";
    /// Most jobs of slots of one host that have not ended.
    WAITING_SLOT_JOBS: usize = 1024, "jobs of slots of one host that have not ended", "agents/slots.rs",
        "jobs_of_slots_wait_up_to_a_number";
    /// Most jobs of slots that one host reports in a day.
    SLOT_JOBS_OF_DAY: usize = 25_000, "jobs of slots that one host reports in a day (UTC): more than an agent keeps",
        "agents/slots.rs", "each_host_has_its_share_of_each_day";
    /// Most bytes of logs that one host reports in a day.
    LOG_BYTES_OF_DAY: usize = 256 * 1024 * 1024, "bytes of logs that one host reports in a day (UTC)",
        "agents/ingest.rs", "what_there_is_no_room_for_today_gives_way_to_a_line";
    /// Most snapshots of a listing that are written at once; others write in between.
    PIECE_SNAPSHOTS: usize = 1000, "snapshots of a listing written in one transaction", "agents/listing.rs",
        "a_long_listing_is_written_in_pieces";
    /// How long one host keeps the place of the one that makes a repository.
    SETUP_TIME: Duration = Duration::from_secs(10 * 60), "that one host keeps others from making the same repository",
        "parts/setups.rs", "a_host_that_never_reports_keeps_its_place_for_minutes";
    /// Questions that wait for one agent's answers.
    QUESTIONS_AT_AGENT: usize = 4, "questions to one agent at once", "parts/hub.rs",
        "an_agent_is_asked_so_much_at_once_and_no_more";
    /// How long an answer of an agent may take. A folder that restic reads for the first time takes it seconds.
    ANSWER_TIME: Duration = Duration::from_secs(25), "for an agent's answer about a snapshot", "app/browse.rs",
        "an_agent_that_does_not_answer_is_not_waited_for";
    /// Passwords of known browsers that wait beyond those of strangers.
    KNOWN_PLACES: usize = 8, "passwords from known browsers that wait while strangers fill the queue",
        "parts/passwords.rs", "passwords_wait_in_turn_and_not_without_end";
    /// Refusals that are recorded for one caller, and for all agents together, within a minute.
    REFUSALS_RECORDED: usize = 30, "refusals that the audit log records of one caller, and of all agents, in a minute",
        "parts/refusals.rs", "refusals_are_recorded_within_a_budget_of_each_caller";
    /// Answers that are kept for one caller's repetitions.
    KEPT_ANSWERS: usize = 2000, "answers kept for one caller's Idempotency-Keys, for a day each", "http/idempotency.rs",
        "keys_have_a_number";
    /// Sockets that one person, or one token, may have open.
    SOCKETS_OF_CALLER: usize = 64, "open sockets of one person or one API token", "http/dispatch.rs",
        "sockets_of_one_person_have_a_number";
    /// Events that a slow reader may be behind before it has to read everything again.
    EVENT_BACKLOG: usize = 256, "events that a slow reader may be behind", "parts/pages.rs",
        "a_slow_reader_is_told_what_it_missed_and_goes_on";
    /// One browser from which an account was opened before.
    GUESSES_OF_DEVICE: Allowance = every(10, 30), "guesses from a browser that opened the account before",
        "parts/throttle.rs", "strangers_are_held_and_a_known_browser_is_not";
    /// One account, from browsers that never opened it.
    GUESSES_OF_ACCOUNT: Allowance = every(50, 2 * 60), "guesses at one account from elsewhere", "parts/throttle.rs",
        "an_account_is_guessed_at_slowly_from_wherever";
    /// One account, from one network: less than what comes back to the account, so that no single network uses that up.
    GUESSES_OF_PAIR: Allowance = every(5, 5 * 60), "guesses at one account from one network", "parts/throttle.rs",
        "one_network_alone_never_uses_an_account_up";
    /// One network: an address, or the half of an IPv6 address that one customer gets.
    GUESSES_OF_NETWORK: Allowance = every(30, 20), "guesses from one network", "parts/throttle.rs",
        "one_network_guesses_slowly_at_whatever";
    /// All strangers together, in shares by network: so no single one uses up everybody's, and a database that serves several
    /// servers has no one row that all of them fight for. Eight shares make 480 guesses at once, and two a second.
    GUESSES_OF_EVERYBODY: Allowance = every(60, 4), "guesses of all strangers together, in each of eight shares",
        "parts/throttle.rs", "strangers_are_held_and_a_known_browser_is_not";
}
