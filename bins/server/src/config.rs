//! The server's settings, and the engine's configuration made from them.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use restic_manager_server::config::{
    BaseUrl, Budgets, Config as EngineConfig, CookieSecurity, Kept, Metrics, SecondFactor,
};

use crate::settings::{Kind, Refusal, Setting, Settings};

const fn plain(
    key: &'static str,
    variable: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { key, variable, default, kind: Kind::Plain, help }
}

/// All settings of this program: parser, help and reference page come from here.
pub(crate) const TABLE: &[Setting] = &[
    plain("listen", "RM_LISTEN", "127.0.0.1:8080", "Address and port for HTTP; a proxy in front brings TLS"),
    plain(
        "base_url",
        "RM_BASE_URL",
        "",
        "Where browsers and agents reach the server, such as https://backup.example.com",
    ),
    plain("data_dir", "RM_DATA_DIR", "/var/lib/restic-manager", "Folder of database and keys"),
    Setting {
        key: "database_url",
        variable: "RM_DATABASE_URL",
        default: "",
        kind: Kind::Secret,
        help: "postgres://… for PostgreSQL; SQLite in the data folder when not set",
    },
    plain(
        "secret_key_file",
        "RM_SECRET_KEY_FILE",
        "",
        "File of the keys that seal secrets; `secret.key` in the data folder when not set",
    ),
    plain(
        "cookie_secure",
        "RM_COOKIE_SECURE",
        "true",
        "Whether cookies are for HTTPS alone; false for a trial on one machine",
    ),
    plain(
        "require_second_factor",
        "RM_REQUIRE_SECOND_FACTOR",
        "none",
        "Who must have a second factor: none or admins; an admin without one can only look",
    ),
    plain(
        "trusted_proxy",
        "RM_TRUSTED_PROXY",
        "",
        "Networks of proxies whose word about the caller's address counts, such as 10.0.0.0/8",
    ),
    Setting {
        key: "metrics_token",
        variable: "RM_METRICS_TOKEN",
        default: "",
        kind: Kind::Secret,
        help: "What a scraper of /metrics shows as a bearer token; there are no metrics without this or metrics_trusted_cidr",
    },
    plain(
        "metrics_trusted_cidr",
        "RM_METRICS_TRUSTED_CIDR",
        "",
        "Networks that may scrape /metrics, such as 10.0.0.0/8; with metrics_token, both must hold",
    ),
    plain(
        "metrics_per_host",
        "RM_METRICS_PER_HOST",
        "true",
        "Whether metrics have rows for hosts and source groups; false leaves totals and repositories",
    ),
    Setting {
        key: "outside_watch_url",
        variable: "RM_OUTSIDE_WATCH_URL",
        default: "",
        kind: Kind::Secret,
        help: "Address of a monitor elsewhere that is asked every minute while the server is well, so that its death is noticed",
    },
    Setting {
        key: "oidc_client_secret",
        variable: "RM_OIDC_CLIENT_SECRET",
        default: "",
        kind: Kind::Secret,
        help: "Kept for sign-in by OpenID Connect; not used yet",
    },
    plain(
        "outgoing_allow",
        "RM_OUTGOING_ALLOW",
        "",
        "Networks that are not public and that notifications may be sent to all the same, such as 10.0.0.0/8",
    ),
    plain(
        "bundled_assets_dir",
        "RM_BUNDLED_ASSETS_DIR",
        "",
        "Folder with the agent's builds, offered to hosts that enrol",
    ),
    plain(
        "agent_token_days",
        "RM_AGENT_TOKEN_DAYS",
        "30",
        "Days after which an agent's token is replaced over its connection; 0 for never",
    ),
    plain(
        "parallel_jobs",
        "RM_PARALLEL_JOBS",
        "100",
        "Most jobs that work in repositories at once, in the whole fleet",
    ),
    plain(
        "parallel_jobs_per_repository",
        "RM_PARALLEL_JOBS_PER_REPOSITORY",
        "10",
        "Most jobs at once in one repository that has no number of its own",
    ),
    plain("keep_jobs", "RM_KEEP_JOBS", "365d", "How long jobs are kept after they ended, such as 90d"),
    plain("keep_jobs_most", "RM_KEEP_JOBS_MOST", "1000000", "Most jobs that have ended; the oldest go first"),
    plain("keep_logs", "RM_KEEP_LOGS", "90d", "How long the logs of jobs are kept after those ended"),
    plain(
        "keep_logs_most",
        "RM_KEEP_LOGS_MOST",
        "100000",
        "Most jobs that have ended and whose logs are kept; the oldest logs go first",
    ),
    plain("keep_previews", "RM_KEEP_PREVIEWS", "7d", "How long previews of retention policies are kept"),
    plain("keep_alerts", "RM_KEEP_ALERTS", "90d", "How long alerts are kept after they were resolved"),
    plain(
        "keep_notifications",
        "RM_KEEP_NOTIFICATIONS",
        "30d",
        "How long notifications are kept after they were delivered or given up",
    ),
    plain(
        "keep_tokens",
        "RM_KEEP_TOKENS",
        "90d",
        "How long invitations and API tokens are kept that open nothing any more",
    ),
    plain(
        "session_idle",
        "RM_SESSION_IDLE",
        "12h",
        "How long a login lasts without being used, such as 90m, 12h or 2d",
    ),
    plain("session_absolute", "RM_SESSION_ABSOLUTE", "7d", "How long a login lasts however often it is used"),
    plain(
        "session_binding",
        "RM_SESSION_BINDING",
        "",
        "What a login is bound to, so that it ends when used from elsewhere: address, user-agent, or both with a comma",
    ),
    plain("log", "RM_LOG", "info", "Filter of the log, such as info,restic_manager_server=debug"),
    plain("log_format", "RM_LOG_FORMAT", "text", "text or json"),
];

/// Variables of the installers; harmless here.
pub(crate) const FOREIGN: &[&str] = &["RM_SERVER", "RM_ENROL_TOKEN", "RM_SERVER_FINGERPRINT", "RM_ANNOUNCE"];

/// Settings whose names are taken for what is to come.
const UNUSED: &[&str] = &["oidc_client_secret"];

/// What the server is started with.
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) database_url: Option<String>,
    pub(crate) secret_key_file: PathBuf,
    pub(crate) engine: EngineConfig,
    pub(crate) log: String,
    pub(crate) log_format: String,
    /// Settings that are set and do nothing yet.
    pub(crate) unused: Vec<&'static str>,
}

impl Config {
    /// Where the mark of the database is: beside the identity, and not in the database.
    pub(crate) fn mark(&self) -> PathBuf {
        self.data.join("database.mark")
    }

    pub(crate) fn read(settings: &Settings) -> Result<Self, Refusal> {
        let listen: SocketAddr = settings.require("listen")?;
        let data: PathBuf = settings.require("data_dir")?;
        let database_url = settings.text("database_url").map(str::to_owned);
        if database_url.as_deref().is_some_and(|url| !is_postgres(url)) {
            return Err(Refusal(
                "database_url: write postgres://user@host/database, or leave it out for SQLite".to_owned(),
            ));
        }
        Ok(Self {
            listen,
            secret_key_file: settings.parse("secret_key_file")?.unwrap_or_else(|| data.join("secret.key")),
            engine: EngineConfig { data_folder: Some(data.clone()), ..engine(settings, listen)? },
            data,
            database_url,
            log: settings.require("log")?,
            log_format: settings.require("log_format")?,
            unused: UNUSED.iter().copied().filter(|key| settings.text(key).is_some()).collect(),
        })
    }
}

fn engine(settings: &Settings, listen: SocketAddr) -> Result<EngineConfig, Refusal> {
    let base_url = match settings.parse::<BaseUrl>("base_url")? {
        Some(base_url) => base_url,
        None => format!("http://{listen}").parse().map_err(|error| Refusal(format!("base_url: {error}")))?,
    };
    let mut config = EngineConfig::new(base_url);
    let secure: bool = settings.require("cookie_secure")?;
    config.cookies = if secure { CookieSecurity::HttpsOnly } else { CookieSecurity::AlsoPlainHttp };
    config.second_factor = match settings.require::<String>("require_second_factor")?.as_str() {
        "none" => SecondFactor::Optional,
        "admins" => SecondFactor::RequiredForAdmins,
        _ => return Err(Refusal("require_second_factor: write none or admins".to_owned())),
    };
    config.trusted_proxies = settings.parse::<List<_>>("trusted_proxy")?.map_or_else(Vec::new, |list| list.0);
    config.metrics = Metrics {
        token: settings.parse("metrics_token")?,
        networks: settings.parse::<List<_>>("metrics_trusted_cidr")?.map_or_else(Vec::new, |list| list.0),
        only_totals: !settings.require::<bool>("metrics_per_host")?,
    };
    config.outside_watch = settings.parse("outside_watch_url")?;
    config.outgoing_allow = settings.parse::<List<_>>("outgoing_allow")?.map_or_else(Vec::new, |list| list.0);
    let days: u32 = settings.require("agent_token_days")?;
    config.agent_token_lifetime = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    config.budgets = Budgets {
        fleet: settings.require::<NonZeroU32>("parallel_jobs")?.get().into(),
        repository: settings.require::<NonZeroU32>("parallel_jobs_per_repository")?.get().into(),
    };
    config.kept = kept(settings)?;
    config.bundled_assets = settings.parse("bundled_assets_dir")?;
    config.sessions.idle = settings.require::<Span>("session_idle")?.0;
    config.sessions.absolute = settings.require::<Span>("session_absolute")?.0;
    if config.sessions.absolute < config.sessions.idle {
        return Err(Refusal("session_absolute: no shorter than session_idle".to_owned()));
    }
    for word in settings.parse::<List<Bound>>("session_binding")?.map_or_else(Vec::new, |list| list.0) {
        match word {
            Bound::Address => config.sessions.binding.address = true,
            Bound::UserAgent => config.sessions.binding.user_agent = true,
        }
    }
    Ok(config)
}

fn kept(settings: &Settings) -> Result<Kept, Refusal> {
    let span = |key| settings.require::<Span>(key).map(|span| span.0);
    let number = |key| settings.require::<NonZeroU32>(key).map(|number| u64::from(number.get()));
    Ok(Kept {
        jobs: span("keep_jobs")?,
        most_jobs: number("keep_jobs_most")?,
        logs: span("keep_logs")?,
        most_logs: number("keep_logs_most")?,
        previews: span("keep_previews")?,
        alerts: span("keep_alerts")?,
        notifications: span("keep_notifications")?,
        tokens: span("keep_tokens")?,
    })
}

/// Values separated by commas.
struct List<T>(Vec<T>);

impl<T: FromStr<Err: fmt::Display>> FromStr for List<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parse = |part: &str| part.parse().map_err(|error| format!("{part:?}: {error}"));
        parts.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// What a login can be bound to.
enum Bound {
    Address,
    UserAgent,
}

impl FromStr for Bound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "address" => Ok(Self::Address),
            "user-agent" => Ok(Self::UserAgent),
            _ => Err("write address, user-agent, or both with a comma between"),
        }
    }
}

/// A length of time: a whole number and `m`, `h` or `d`, from a minute to a year.
#[derive(Debug)]
struct Span(Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let refusal = "a whole number and m, h or d, from a minute to a year, such as 12h";
        let seconds = match text.chars().last() {
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            _ => return Err(refusal),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| refusal)?;
        let length = number.checked_mul(seconds).filter(|length| (60..=366 * 24 * 60 * 60).contains(length));
        length.map(|length| Self(Duration::from_secs(length))).ok_or(refusal)
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(environment: &[(&str, &str)]) -> Result<Config, Refusal> {
        let flags =
            crate::command().try_get_matches_from(["server"]).map_err(|error| Refusal(error.to_string()))?;
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(&Settings::read(TABLE, FOREIGN, &flags, environment, None)?)
    }

    #[test]
    fn the_defaults_are_safe() {
        let config = read(&[]).unwrap();
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.engine.cookies, CookieSecurity::HttpsOnly);
        assert!(config.engine.trusted_proxies.is_empty());
        let sessions = config.engine.sessions;
        assert_eq!((sessions.idle.as_secs(), sessions.absolute.as_secs()), (43_200, 604_800));
        assert!(!sessions.binding.address && !sessions.binding.user_agent);
        assert_eq!(config.secret_key_file, Path::new("/var/lib/restic-manager/secret.key"));
    }

    #[test]
    fn every_setting_reaches_the_configuration() {
        let config = read(&[
            ("RM_LISTEN", "127.0.0.1:1"),
            ("RM_BASE_URL", "https://backup.example.com"),
            ("RM_DATA_DIR", "/data"),
            ("RM_DATABASE_URL", "postgres://db/name"),
            ("RM_SECRET_KEY_FILE", "/keys/secret"),
            ("RM_COOKIE_SECURE", "false"),
            ("RM_TRUSTED_PROXY", "10.0.0.0/8, 192.168.0.0/16"),
            ("RM_OUTGOING_ALLOW", "10.1.0.0/16"),
            ("RM_BUNDLED_ASSETS_DIR", "/assets"),
            ("RM_SESSION_IDLE", "90m"),
            ("RM_SESSION_ABSOLUTE", "2d"),
            ("RM_SESSION_BINDING", "address, user-agent"),
        ])
        .unwrap();
        let sessions = config.engine.sessions;
        assert_eq!((sessions.idle.as_secs(), sessions.absolute.as_secs()), (5400, 172_800));
        assert!(sessions.binding.address && sessions.binding.user_agent);
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.engine.base_url.to_string(), "https://backup.example.com");
        assert_eq!(
            (config.data.as_path(), config.secret_key_file.as_path()),
            (Path::new("/data"), Path::new("/keys/secret"))
        );
        assert_eq!(config.database_url.as_deref(), Some("postgres://db/name"));
        assert_eq!(config.engine.cookies, CookieSecurity::AlsoPlainHttp);
        assert_eq!(config.engine.trusted_proxies.len(), 2);
        assert_eq!(config.engine.outgoing_allow.len(), 1);
        assert_eq!(config.engine.bundled_assets.as_deref(), Some(Path::new("/assets")));
    }

    /// Operators have these in their files: none of them stops a server.
    #[test]
    fn every_name_that_is_promised_is_known() {
        for (name, value) in [
            ("RM_LISTEN", "127.0.0.1:1"),
            ("RM_BASE_URL", "https://backup.example.com"),
            ("RM_DATA_DIR", "/data"),
            ("RM_DATABASE_URL", "postgres://db/name"),
            ("RM_SECRET_KEY_FILE", "/keys/secret"),
            ("RM_COOKIE_SECURE", "true"),
            ("RM_TRUSTED_PROXY", "10.0.0.0/8"),
            ("RM_METRICS_TOKEN", "0123456789abcdef"),
            ("RM_METRICS_TRUSTED_CIDR", "10.0.0.0/8, ::1/128"),
            ("RM_OIDC_CLIENT_SECRET", "kept for later"),
            ("RM_BUNDLED_ASSETS_DIR", "/assets"),
            ("RM_SERVER", "https://backup.example.com"),
            ("RM_ENROL_TOKEN", "of an installer"),
            ("RM_SERVER_FINGERPRINT", "of an installer"),
            ("RM_ANNOUNCE", "1"),
        ] {
            let read = read(&[(name, value)]);
            assert!(read.is_ok(), "{name}: {}", read.err().map(|refusal| refusal.0).unwrap_or_default());
        }
        assert_eq!(read(&[("RM_OIDC_CLIENT_SECRET", "x")]).unwrap().unused, ["oidc_client_secret"]);
        assert!(read(&[]).unwrap().unused.is_empty());
    }

    #[test]
    fn metrics_are_for_nobody_until_a_token_or_a_network_is_set() {
        assert!(!read(&[]).unwrap().engine.metrics.are_offered());
        let set = [("RM_METRICS_TOKEN", "0123456789abcdef"), ("RM_METRICS_PER_HOST", "false")];
        let metrics = read(&set).unwrap().engine.metrics;
        assert!(metrics.are_offered() && metrics.only_totals);
        let near = read(&[("RM_METRICS_TRUSTED_CIDR", "10.0.0.0/8")]).unwrap().engine.metrics;
        assert!(near.are_offered() && near.token.is_none() && !near.only_totals);
        assert!(
            read(&[("RM_OUTSIDE_WATCH_URL", "https://hc-ping.com/x")])
                .unwrap()
                .engine
                .outside_watch
                .is_some()
        );
    }

    #[test]
    fn wrong_values_are_refused_by_name() {
        for (name, value) in [
            ("RM_LISTEN", "8080"),
            ("RM_BASE_URL", "backup.example.com"),
            ("RM_DATABASE_URL", "mysql://db"),
            ("RM_COOKIE_SECURE", "maybe"),
            ("RM_TRUSTED_PROXY", "10.0.0.0/99"),
            ("RM_METRICS_TOKEN", "short"),
            ("RM_METRICS_TRUSTED_CIDR", "10.0.0.1/33"),
            ("RM_METRICS_PER_HOST", "no"),
            ("RM_OUTSIDE_WATCH_URL", "hc-ping.com/x"),
            ("RM_OUTGOING_ALLOW", "the office"),
            ("RM_SESSION_IDLE", "12"),
            ("RM_SESSION_IDLE", "0h"),
            ("RM_SESSION_ABSOLUTE", "400d"),
            ("RM_SESSION_BINDING", "browser"),
        ] {
            let refused =
                read(&[(name, value)]).err().unwrap_or_else(|| panic!("{name}={value} was accepted"));
            assert!(refused.0.contains(name) || refused.0.contains("database_url"), "{refused}");
        }
    }
}
