-- Ids are 16 bytes whose order is the order of time. Moments are milliseconds since 1970 UTC. A name_key is the
-- name as it is compared: trimmed and in lower case. Lists and small structures are JSON text. Texts that lists
-- are sorted by compare by bytes.

CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Sums over their shards; a shard per writer keeps concurrent writers apart.
CREATE TABLE counters (
    name TEXT COLLATE "C" NOT NULL,
    shard BIGINT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name, shard)
);

CREATE TABLE users (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    family BYTEA NOT NULL,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token BYTEA NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    idle_expires BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    address TEXT,
    user_agent TEXT,
    replaced_by BYTEA
);
CREATE INDEX sessions_family ON sessions (family);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_expires ON sessions (expires);

-- One row at most.
CREATE TABLE bootstrap (
    slot BIGINT NOT NULL PRIMARY KEY CHECK (slot = 1),
    token BYTEA NOT NULL,
    created BIGINT NOT NULL,
    spent BIGINT
);

CREATE TABLE hosts (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    tags TEXT NOT NULL,
    presence_mode TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    agent_token BYTEA NOT NULL UNIQUE,
    enrolled BIGINT NOT NULL,
    last_seen BIGINT,
    generation BIGINT NOT NULL,
    facts TEXT NOT NULL,
    address TEXT,
    last_backup_job BYTEA,
    last_backup_state TEXT,
    last_backup_cause TEXT,
    last_backup_ended BIGINT,
    last_backup_bytes BIGINT,
    last_good_backup BIGINT,
    last_snapshot BIGINT,
    snapshots BIGINT NOT NULL,
    running_job BYTEA,
    outbox BYTEA,
    outbox_sequence BIGINT,
    version BIGINT NOT NULL,
    deleted BIGINT
);
CREATE UNIQUE INDEX hosts_name ON hosts (name_key) WHERE deleted IS NULL;
CREATE INDEX hosts_standing ON hosts (last_backup_state, last_snapshot) WHERE deleted IS NULL;

-- The tags of hosts that are not deleted, for filters; hosts.tags keeps the order.
CREATE TABLE host_tags (
    tag TEXT COLLATE "C" NOT NULL,
    host BYTEA NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, host)
);
CREATE INDEX host_tags_host ON host_tags (host);

CREATE TABLE enrolments (
    id BYTEA NOT NULL PRIMARY KEY,
    token BYTEA NOT NULL UNIQUE,
    host_name TEXT NOT NULL,
    tags TEXT NOT NULL,
    presence_mode TEXT NOT NULL,
    attachments TEXT NOT NULL,
    include_paths TEXT NOT NULL,
    created_by BYTEA,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state TEXT NOT NULL,
    spent_by BYTEA,
    replaced_by BYTEA
);
CREATE INDEX enrolments_state ON enrolments (state, expires);

CREATE TABLE repositories (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    location TEXT NOT NULL,
    backend TEXT NOT NULL,
    password BYTEA,
    password_set BIGINT,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL,
    deleted BIGINT
);
CREATE UNIQUE INDEX repositories_name ON repositories (name_key) WHERE deleted IS NULL;

CREATE TABLE repository_credentials (
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    slot TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    set_by BYTEA,
    PRIMARY KEY (repository, slot)
);

CREATE TABLE attachments (
    host BYTEA NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    repository BYTEA NOT NULL REFERENCES repositories (id),
    location TEXT,
    state TEXT NOT NULL,
    detail TEXT,
    checked BIGINT,
    needs_check BOOLEAN NOT NULL,
    listed BIGINT,
    snapshots BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (host, repository)
);
CREATE INDEX attachments_repository ON attachments (repository, host);

CREATE TABLE source_groups (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    includes TEXT NOT NULL,
    excludes TEXT NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    repository BYTEA NOT NULL,
    options TEXT NOT NULL,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (host, name_key),
    FOREIGN KEY (host, repository) REFERENCES attachments (host, repository)
);
CREATE INDEX source_groups_attachment ON source_groups (host, repository);

CREATE TABLE jobs (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL REFERENCES hosts (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    detail TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    requested_by BYTEA,
    source_group BYTEA,
    repository BYTEA,
    dispatch_by BIGINT,
    end_by BIGINT,
    created BIGINT NOT NULL,
    dispatched BIGINT,
    started BIGINT,
    ended BIGINT,
    cancel_requested BIGINT,
    attempt BIGINT NOT NULL,
    statistics TEXT,
    log_last_sequence BIGINT NOT NULL,
    log_lines BIGINT NOT NULL,
    log_bytes BIGINT NOT NULL,
    log_missing BIGINT NOT NULL,
    log_discarded BOOLEAN NOT NULL,
    log_pending BIGINT NOT NULL,
    exit_code BIGINT,
    lock_left BOOLEAN NOT NULL,
    command TEXT
);
CREATE INDEX jobs_host ON jobs (host, id);
CREATE INDEX jobs_host_state ON jobs (host, state, id);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_repository ON jobs (repository, id) WHERE repository IS NOT NULL;
CREATE INDEX jobs_source_group ON jobs (source_group, id) WHERE source_group IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended, id) WHERE ended IS NOT NULL;
CREATE INDEX jobs_log_kept ON jobs (ended, id) WHERE ended IS NOT NULL AND log_lines > 0 AND NOT log_discarded;

-- Pieces as they arrive, plain; merged into compressed chunks when they are many or the job ends.
CREATE TABLE job_logs (
    job BYTEA NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    chunked BOOLEAN NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (job, first_sequence)
);

CREATE TABLE snapshots (
    host BYTEA NOT NULL,
    repository BYTEA NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    seen TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    PRIMARY KEY (host, repository, id),
    FOREIGN KEY (host, repository) REFERENCES attachments (host, repository) ON DELETE CASCADE
);
CREATE INDEX snapshots_host ON snapshots (host, time, id, repository);
CREATE INDEX snapshots_host_repository ON snapshots (host, repository, time, id);

-- Only ever added to. Each hash covers its row and the hash before it.
CREATE TABLE audit (
    sequence BIGINT NOT NULL PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    moment BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT COLLATE "C",
    actor_name TEXT,
    action TEXT NOT NULL,
    subject_kind TEXT,
    subject_id TEXT COLLATE "C",
    subject_name TEXT,
    outcome TEXT NOT NULL,
    address TEXT,
    detail TEXT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_action ON audit (action, sequence);
CREATE INDEX audit_actor ON audit (actor_id, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, sequence) WHERE subject_id IS NOT NULL;

CREATE TABLE replies (
    actor TEXT COLLATE "C" NOT NULL,
    request_key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (actor, request_key)
);
CREATE INDEX replies_expires ON replies (expires);
