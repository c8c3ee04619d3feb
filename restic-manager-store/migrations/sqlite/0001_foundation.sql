-- Ids are 16 bytes whose order is the order of time. Moments are milliseconds since 1970 UTC. A name_key is the
-- name as it is compared: trimmed and in lower case. Lists and small structures are JSON text.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sums over their shards; a shard per writer keeps concurrent writers apart.
CREATE TABLE counters (
    name TEXT NOT NULL,
    shard INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    family BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    idle_expires INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT,
    user_agent TEXT,
    replaced_by BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_family ON sessions (family);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_expires ON sessions (expires);

-- One row at most.
CREATE TABLE bootstrap (
    slot INTEGER NOT NULL PRIMARY KEY CHECK (slot = 1),
    token BLOB NOT NULL,
    created INTEGER NOT NULL,
    spent INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE hosts (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    tags TEXT NOT NULL,
    presence_mode TEXT NOT NULL,
    public_key BLOB NOT NULL,
    agent_token BLOB NOT NULL UNIQUE,
    enrolled INTEGER NOT NULL,
    last_seen INTEGER,
    generation INTEGER NOT NULL,
    facts TEXT NOT NULL,
    address TEXT,
    last_backup_job BLOB,
    last_backup_state TEXT,
    last_backup_cause TEXT,
    last_backup_ended INTEGER,
    last_backup_bytes INTEGER,
    last_good_backup INTEGER,
    last_snapshot INTEGER,
    snapshots INTEGER NOT NULL,
    running_job BLOB,
    outbox BLOB,
    outbox_sequence INTEGER,
    version INTEGER NOT NULL,
    deleted INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX hosts_name ON hosts (name_key) WHERE deleted IS NULL;
CREATE INDEX hosts_standing ON hosts (last_backup_state, last_snapshot) WHERE deleted IS NULL;

-- The tags of hosts that are not deleted, for filters; hosts.tags keeps the order.
CREATE TABLE host_tags (
    tag TEXT NOT NULL,
    host BLOB NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, host)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_tags_host ON host_tags (host);

CREATE TABLE enrolments (
    id BLOB NOT NULL PRIMARY KEY,
    token BLOB NOT NULL UNIQUE,
    host_name TEXT NOT NULL,
    tags TEXT NOT NULL,
    presence_mode TEXT NOT NULL,
    attachments TEXT NOT NULL,
    include_paths TEXT NOT NULL,
    created_by BLOB,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state TEXT NOT NULL,
    spent_by BLOB,
    replaced_by BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_state ON enrolments (state, expires);

CREATE TABLE repositories (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    location TEXT NOT NULL,
    backend TEXT NOT NULL,
    password BLOB,
    password_set INTEGER,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX repositories_name ON repositories (name_key) WHERE deleted IS NULL;

CREATE TABLE repository_credentials (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    slot TEXT NOT NULL,
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    set_by BLOB,
    PRIMARY KEY (repository, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE attachments (
    host BLOB NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    repository BLOB NOT NULL REFERENCES repositories (id),
    location TEXT,
    state TEXT NOT NULL,
    detail TEXT,
    checked INTEGER,
    needs_check INTEGER NOT NULL,
    listed INTEGER,
    snapshots INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (host, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_repository ON attachments (repository, host);

CREATE TABLE source_groups (
    id BLOB NOT NULL PRIMARY KEY,
    host BLOB NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    includes TEXT NOT NULL,
    excludes TEXT NOT NULL,
    tag TEXT NOT NULL,
    repository BLOB NOT NULL,
    options TEXT NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (host, name_key),
    FOREIGN KEY (host, repository) REFERENCES attachments (host, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_groups_attachment ON source_groups (host, repository);

CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY,
    host BLOB NOT NULL REFERENCES hosts (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    requested_by BLOB,
    source_group BLOB,
    repository BLOB,
    dispatch_by INTEGER,
    end_by INTEGER,
    created INTEGER NOT NULL,
    dispatched INTEGER,
    started INTEGER,
    ended INTEGER,
    cancel_requested INTEGER,
    attempt INTEGER NOT NULL,
    statistics TEXT,
    log_last_sequence INTEGER NOT NULL,
    log_lines INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    log_missing INTEGER NOT NULL,
    log_discarded INTEGER NOT NULL,
    log_pending INTEGER NOT NULL,
    exit_code INTEGER,
    lock_left INTEGER NOT NULL,
    command TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_host ON jobs (host, id);
CREATE INDEX jobs_host_state ON jobs (host, state, id);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_repository ON jobs (repository, id) WHERE repository IS NOT NULL;
CREATE INDEX jobs_source_group ON jobs (source_group, id) WHERE source_group IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended, id) WHERE ended IS NOT NULL;
CREATE INDEX jobs_log_kept ON jobs (ended, id) WHERE ended IS NOT NULL AND log_lines > 0 AND NOT log_discarded;

-- Pieces as they arrive, plain; merged into compressed chunks when they are many or the job ends.
CREATE TABLE job_logs (
    job BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    first_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    chunked INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (job, first_sequence)
) STRICT;

CREATE TABLE snapshots (
    host BLOB NOT NULL,
    repository BLOB NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    seen TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (host, repository, id),
    FOREIGN KEY (host, repository) REFERENCES attachments (host, repository) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshots_host ON snapshots (host, time, id, repository);
CREATE INDEX snapshots_host_repository ON snapshots (host, repository, time, id);

-- Only ever added to. Each hash covers its row and the hash before it.
CREATE TABLE audit (
    sequence INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    moment INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    actor_name TEXT,
    action TEXT NOT NULL,
    subject_kind TEXT,
    subject_id TEXT,
    subject_name TEXT,
    outcome TEXT NOT NULL,
    address TEXT,
    detail TEXT NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_action ON audit (action, sequence);
CREATE INDEX audit_actor ON audit (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, sequence) WHERE subject_id IS NOT NULL;

CREATE TABLE replies (
    actor TEXT NOT NULL,
    request_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (actor, request_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX replies_expires ON replies (expires);
