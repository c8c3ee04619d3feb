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
-- When source groups are backed up. Slots after `since` count.
CREATE TABLE schedules (
    id BLOB NOT NULL PRIMARY KEY,
    host BLOB NOT NULL REFERENCES hosts (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    cron TEXT NOT NULL,
    zone TEXT NOT NULL,
    misfire TEXT NOT NULL,
    jitter_seconds INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    since INTEGER NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (host, name_key)
) STRICT, WITHOUT ROWID;

-- What a schedule runs, in this order.
CREATE TABLE schedule_groups (
    schedule BLOB NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    source_group BLOB NOT NULL REFERENCES source_groups (id),
    PRIMARY KEY (schedule, place),
    UNIQUE (source_group, schedule)
) STRICT, WITHOUT ROWID;
-- What needs somebody. Of each kind and subject one at most is not resolved.
CREATE TABLE alerts (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    acknowledged INTEGER,
    acknowledged_by BLOB,
    resolved INTEGER,
    resolved_by BLOB
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_lasting ON alerts (kind, subject_kind, subject_id) WHERE resolved IS NULL;
CREATE INDEX alerts_state ON alerts (state, id);
CREATE INDEX alerts_state_severity ON alerts (state, severity, id);
CREATE INDEX alerts_state_kind ON alerts (state, kind, id);
CREATE INDEX alerts_severity ON alerts (severity, id);
CREATE INDEX alerts_kind ON alerts (kind, id);
CREATE INDEX alerts_resolved ON alerts (resolved, id) WHERE resolved IS NOT NULL;
-- For which part of the fleet a person's role is. Whoever was there before has it for all of it.
ALTER TABLE users ADD COLUMN scope TEXT NOT NULL DEFAULT '{"kind":"all"}';

-- The tags of invitations, for filters; enrolments.tags keeps the order.
CREATE TABLE enrolment_tags (
    tag TEXT NOT NULL,
    enrolment BLOB NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, enrolment)
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolment_tags_enrolment ON enrolment_tags (enrolment);

INSERT INTO enrolment_tags (tag, enrolment)
SELECT DISTINCT json_each.value, enrolments.id FROM enrolments, json_each(enrolments.tags);
-- Which snapshots of a source group are kept, and what was chosen for a job: JSON text each, `{}` for nothing.
ALTER TABLE source_groups ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
CREATE INDEX source_groups_thinned ON source_groups (repository, id) WHERE retention <> '{}';
-- A session that is open now was proved when it began.
ALTER TABLE sessions ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET proved = created;
-- Signed marks in the audit log, and its lists by time.
CREATE TABLE audit_checkpoints (
    sequence INTEGER NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL,
    moment INTEGER NOT NULL,
    signer BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;

DROP INDEX audit_action;
DROP INDEX audit_actor;
DROP INDEX audit_subject;
CREATE INDEX audit_moment ON audit (moment, sequence);
CREATE INDEX audit_action ON audit (action, moment, sequence);
CREATE INDEX audit_outcome ON audit (outcome, moment, sequence);
CREATE INDEX audit_actor ON audit (actor_id, moment, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, moment, sequence) WHERE subject_id IS NOT NULL;
-- The token that an agent is offered in place of its own, the one that was revoked last, and since when its own is in
-- force; without that, another is wanted at once.
ALTER TABLE hosts ADD COLUMN next_token BLOB;
ALTER TABLE hosts ADD COLUMN last_token BLOB;
ALTER TABLE hosts ADD COLUMN token_since INTEGER;
UPDATE hosts SET token_since = enrolled;

-- The host whose record an invitation gives to a new agent.
ALTER TABLE enrolments ADD COLUMN take_over BLOB;
-- A person without a password has yet to follow a setup link; until then the hash is of something nobody knows.
ALTER TABLE users ADD COLUMN password_set INTEGER;
ALTER TABLE users ADD COLUMN last_login INTEGER;
UPDATE users SET password_set = created;

-- When the family began, and when this token was first shown: a token that was never shown may never have arrived.
ALTER TABLE sessions ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN confirmed INTEGER;
UPDATE sessions SET started = created, confirmed = created;

-- One per person at most.
CREATE TABLE setup_links (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    created_by BLOB,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX setup_links_expires ON setup_links (expires);

-- How much of an allowance is used up: the moment when it will be whole again. A whole one has no row.
CREATE TABLE limits (
    lane BLOB NOT NULL PRIMARY KEY,
    full_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_full_at ON limits (full_at);
-- What a host's schedules promise, and which configuration its agent has.
ALTER TABLE hosts ADD COLUMN next_run INTEGER;
ALTER TABLE hosts ADD COLUMN fresh_until INTEGER;
ALTER TABLE hosts ADD COLUMN days TEXT NOT NULL DEFAULT '[]';
ALTER TABLE hosts ADD COLUMN wanted_number INTEGER;
ALTER TABLE hosts ADD COLUMN wanted_digest TEXT;
ALTER TABLE hosts ADD COLUMN held_number INTEGER;
ALTER TABLE hosts ADD COLUMN held_digest TEXT;
ALTER TABLE hosts ADD COLUMN drift_since INTEGER;
ALTER TABLE hosts ADD COLUMN refusal TEXT;
-- Without a schedule a snapshot counts as fresh for a week.
UPDATE hosts SET fresh_until = last_snapshot + 604800000;
DROP INDEX hosts_standing;
CREATE INDEX hosts_standing ON hosts (last_backup_state, fresh_until) WHERE deleted IS NULL;
CREATE INDEX hosts_next_run ON hosts (COALESCE(next_run, 9223372036854775807), id) WHERE deleted IS NULL;
CREATE INDEX hosts_last_good ON hosts (COALESCE(last_good_backup, -9223372036854775807), id) WHERE deleted IS NULL;
CREATE INDEX hosts_drift ON hosts (name_key, id) WHERE deleted IS NULL AND drift_since IS NOT NULL;

-- The slots of a schedule that a job is for: one, or several that were skipped together.
ALTER TABLE jobs ADD COLUMN schedule BLOB;
ALTER TABLE jobs ADD COLUMN slot INTEGER;
ALTER TABLE jobs ADD COLUMN slot_last INTEGER;
ALTER TABLE jobs ADD COLUMN slots INTEGER;
CREATE UNIQUE INDEX jobs_slot ON jobs (schedule, slot, source_group) WHERE schedule IS NOT NULL;
CREATE INDEX jobs_schedule ON jobs (schedule, id) WHERE schedule IS NOT NULL;
CREATE TABLE totp (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BLOB NOT NULL,
    created INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    last_used INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code BLOB NOT NULL,
    PRIMARY KEY (user_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_user ON passkeys (user_id, id);

-- What is good once and was used: kept until it would have expired anyway.
CREATE TABLE spent (
    what BLOB NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE api_tokens (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    dangerous INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_used INTEGER,
    last_address TEXT,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_tokens_user ON api_tokens (user_id, id) WHERE revoked IS NULL;
CREATE INDEX api_tokens_live ON api_tokens (id) WHERE revoked IS NULL;
-- Rights to use a repository, held or waited for; each goes with its job.
CREATE TABLE leases (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    repository BLOB NOT NULL,
    host BLOB NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    expires INTEGER NOT NULL,
    lost INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_held ON leases (repository, job) WHERE state = 'held';
CREATE INDEX leases_waiting ON leases (repository, job) WHERE state <> 'held';
CREATE INDEX leases_queue ON leases (job) WHERE state <> 'held';
CREATE INDEX leases_fleet ON leases (job) WHERE state = 'waits-for-fleet';
CREATE INDEX leases_all_held ON leases (expires, job) WHERE state = 'held';
CREATE INDEX leases_host ON leases (host);

-- The duties of a repository. A moment of 0 was never planned.
CREATE TABLE upkeep (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    every_hours INTEGER,
    due INTEGER,
    since INTEGER NOT NULL,
    effective INTEGER,
    failures INTEGER NOT NULL,
    job BLOB,
    last_job BLOB,
    last_cause TEXT,
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    PRIMARY KEY (repository, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX upkeep_due ON upkeep (due, repository, kind) WHERE due IS NOT NULL;

ALTER TABLE repositories ADD COLUMN runner BLOB;
ALTER TABLE repositories ADD COLUMN parallel INTEGER;
CREATE INDEX repositories_runner ON repositories (runner) WHERE runner IS NOT NULL;

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'forget', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'prune', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'check', 720, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
-- Hosts that announced themselves and wait for an admin, and what was decided on them lately.
CREATE TABLE pending_hosts (
    id BLOB NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    address TEXT,
    network TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    looked_at INTEGER,
    state TEXT NOT NULL,
    host BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_hosts_state ON pending_hosts (state, id);
CREATE INDEX pending_hosts_expires ON pending_hosts (expires);

-- Removed hosts, for their own list.
CREATE INDEX hosts_deleted ON hosts (name_key, id) WHERE deleted IS NOT NULL;
-- How each source group's last backup ended, and what that makes of its host.
ALTER TABLE source_groups ADD COLUMN last_backup_job BLOB;
ALTER TABLE source_groups ADD COLUMN last_backup_state TEXT;
ALTER TABLE source_groups ADD COLUMN last_backup_cause TEXT;
ALTER TABLE source_groups ADD COLUMN last_backup_ended INTEGER;
ALTER TABLE source_groups ADD COLUMN last_backup_bytes INTEGER;

ALTER TABLE hosts ADD COLUMN worst_backup_job BLOB;
ALTER TABLE hosts ADD COLUMN worst_backup_state TEXT;
ALTER TABLE hosts ADD COLUMN worst_backup_cause TEXT;
ALTER TABLE hosts ADD COLUMN worst_backup_ended INTEGER;
ALTER TABLE hosts ADD COLUMN worst_backup_bytes INTEGER;
UPDATE hosts SET worst_backup_job = last_backup_job, worst_backup_state = last_backup_state,
    worst_backup_cause = last_backup_cause, worst_backup_ended = last_backup_ended,
    worst_backup_bytes = last_backup_bytes WHERE last_backup_state IN ('succeeded', 'incomplete', 'failed');
DROP INDEX hosts_standing;
CREATE INDEX hosts_standing ON hosts (worst_backup_state, fresh_until) WHERE deleted IS NULL;

-- The tag of a snapshot that has no other.
ALTER TABLE snapshots ADD COLUMN tag TEXT;
UPDATE snapshots SET tag = json_extract(seen, '$.tags[0]') WHERE json_array_length(seen, '$.tags') = 1;
CREATE INDEX snapshots_tag ON snapshots (host, repository, tag, time, id) WHERE tag IS NOT NULL;

DELETE FROM counters WHERE name LIKE 'hosts:%';
-- For which part of the fleet a token is, within its maker's. Those that were there before are for all of it.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '{"kind":"all"}';
-- What repositories held, a row a day.
CREATE TABLE measurements (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    at INTEGER NOT NULL,
    snapshots INTEGER NOT NULL,
    files INTEGER NOT NULL,
    restore_bytes INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    uncompressed_bytes INTEGER,
    locks INTEGER NOT NULL,
    PRIMARY KEY (repository, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX measurements_at ON measurements (at, repository);

-- Whether the everyday credential of a repository was seen to delete.
CREATE TABLE deletion_tests (
    repository BLOB NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    verdict TEXT NOT NULL,
    at INTEGER NOT NULL,
    host BLOB NOT NULL,
    job BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'statistics', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'deletion-test', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL AND backend <> 'local';
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'deletion-test', NULL, NULL, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL AND backend = 'local';
-- What retention policies that were tried would make of snapshots.
CREATE TABLE previews (
    job BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    previewed TEXT NOT NULL,
    PRIMARY KEY (job, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX previews_time ON previews (job, time, id);

-- What a job tries before anybody keeps it; wiped when the job ends.
CREATE TABLE drafts (
    job BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- Scripts around backups; a row belongs to the host or the source group of that id, as its kind says.
CREATE TABLE hooks (
    kind TEXT NOT NULL,
    owner BLOB NOT NULL,
    sealed BLOB NOT NULL,
    set_at INTEGER NOT NULL,
    set_by BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, owner)
) STRICT, WITHOUT ROWID;
-- How fast restic may be.
ALTER TABLE hosts ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '{}';
ALTER TABLE schedules ADD COLUMN bandwidth TEXT NOT NULL DEFAULT '{}';

-- The name that restic records stays what it was when the host enrolled.
ALTER TABLE hosts ADD COLUMN restic_name TEXT NOT NULL DEFAULT '';
UPDATE hosts SET restic_name = name;
CREATE UNIQUE INDEX hosts_restic_name ON hosts (restic_name) WHERE deleted IS NULL;

-- What else shapes a backup, and the command whose output is backed up.
UPDATE source_groups SET options = '{}' WHERE options = 'null';
ALTER TABLE source_groups ADD COLUMN command TEXT;
-- Times in which it is known why hosts are silent.
CREATE TABLE maintenance (
    id BLOB NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX maintenance_ends ON maintenance (ends, id);

-- Purges of hosts left their scripts, and those of their groups.
DELETE FROM hooks WHERE (kind = 'host' AND owner NOT IN (SELECT id FROM hosts))
    OR (kind = 'source-group' AND owner NOT IN (SELECT id FROM source_groups));
-- Forget and prune that are paused: of a repository, or of one of its source groups.
CREATE TABLE freezes (
    id BLOB NOT NULL PRIMARY KEY,
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    source_group BLOB REFERENCES source_groups (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX freezes_of_repository ON freezes (repository, created, id);
CREATE UNIQUE INDEX freezes_whole ON freezes (repository, cause) WHERE source_group IS NULL;
CREATE UNIQUE INDEX freezes_group ON freezes (source_group, cause) WHERE source_group IS NOT NULL;

-- Whether a snapshot counts as newest: not one that was listed before its own time.
ALTER TABLE snapshots ADD COLUMN counted INTEGER NOT NULL DEFAULT 1;
UPDATE snapshots SET counted = 0 WHERE time > first_seen + 300000;
CREATE INDEX snapshots_uncounted ON snapshots (host, time, id) WHERE NOT counted;
UPDATE hosts SET last_snapshot = (SELECT MAX(time) FROM snapshots WHERE host = hosts.id AND counted)
    WHERE id IN (SELECT host FROM snapshots WHERE NOT counted);

-- A name for restic is taken until its host is purged. Where a successor has it already, the policies of the removed host
-- end: they would thin out the successor's snapshots.
CREATE INDEX hosts_restic_name_ever ON hosts (restic_name);
UPDATE source_groups SET retention = '{}' WHERE host IN (
    SELECT removed.id FROM hosts removed JOIN hosts live ON live.restic_name = removed.restic_name
    WHERE removed.deleted IS NOT NULL AND live.deleted IS NULL);
-- Where notifications go. What is sealed are the secrets of the channel, together.
CREATE TABLE channels (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    secrets TEXT NOT NULL,
    sealed BLOB,
    enabled INTEGER NOT NULL,
    failing_since INTEGER,
    trouble TEXT,
    delivered INTEGER,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL
);

-- Which alerts are told through which channels, asked in the order of their places.
CREATE TABLE routes (
    id BLOB NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX routes_place ON routes (place, id);

-- Times in which nobody is told of some alerts.
CREATE TABLE silences (
    id BLOB NOT NULL PRIMARY KEY,
    matcher TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by BLOB NOT NULL
);
CREATE INDEX silences_ends ON silences (ends, id);

-- Changes of alerts that routes have yet to be asked about; written with the change itself.
CREATE TABLE notices (
    id BLOB NOT NULL PRIMARY KEY,
    alert BLOB NOT NULL,
    event TEXT NOT NULL,
    moment INTEGER NOT NULL
);

-- Messages on their way, and those that arrived or were given up. One that is over has no due.
CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY,
    channel BLOB NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    route BLOB,
    group_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    items TEXT NOT NULL,
    count INTEGER NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    tried INTEGER,
    attempts INTEGER NOT NULL,
    answer TEXT,
    ended INTEGER
);
CREATE INDEX deliveries_group ON deliveries (channel, group_key, id);
CREATE INDEX deliveries_channel ON deliveries (channel, id);
CREATE INDEX deliveries_due ON deliveries (due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (channel, due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended, id) WHERE ended IS NOT NULL;
-- Where an alert was found, what its cause is, for how long somebody took it on, and what became of it.
ALTER TABLE alerts ADD COLUMN host BLOB;
ALTER TABLE alerts ADD COLUMN repository BLOB;
ALTER TABLE alerts ADD COLUMN job BLOB;
ALTER TABLE alerts ADD COLUMN cause BLOB;
ALTER TABLE alerts ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN acknowledged_until INTEGER;
ALTER TABLE alerts ADD COLUMN settles INTEGER;
ALTER TABLE alerts ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN history TEXT NOT NULL DEFAULT '[]';
-- When something is to be done about it although nothing was found.
ALTER TABLE alerts ADD COLUMN due INTEGER;
CREATE INDEX alerts_due ON alerts (due, id) WHERE due IS NOT NULL;
CREATE INDEX alerts_cause ON alerts (cause, id) WHERE cause IS NOT NULL;
CREATE INDEX alerts_subject ON alerts (subject_kind, subject_id, id) WHERE resolved IS NULL;
CREATE INDEX alerts_host ON alerts (host, id) WHERE resolved IS NULL;
CREATE INDEX alerts_over ON alerts (kind, subject_kind, subject_id, resolved) WHERE resolved IS NOT NULL;

-- Lists show what has no other alert as its cause.
DROP INDEX alerts_state;
DROP INDEX alerts_state_severity;
DROP INDEX alerts_state_kind;
DROP INDEX alerts_severity;
DROP INDEX alerts_kind;
CREATE INDEX alerts_listed ON alerts (id) WHERE cause IS NULL;
CREATE INDEX alerts_state ON alerts (state, id) WHERE cause IS NULL;
CREATE INDEX alerts_state_severity ON alerts (state, severity, id) WHERE cause IS NULL;
CREATE INDEX alerts_state_kind ON alerts (state, kind, id) WHERE cause IS NULL;
CREATE INDEX alerts_severity ON alerts (severity, id) WHERE cause IS NULL;
CREATE INDEX alerts_kind ON alerts (kind, id) WHERE cause IS NULL;

-- When it is looked next whether a host is silent or its snapshots are too old; at once after this step.
ALTER TABLE hosts ADD COLUMN watch_at INTEGER;
UPDATE hosts SET watch_at = 0 WHERE deleted IS NULL;
CREATE INDEX hosts_watch ON hosts (watch_at, id) WHERE watch_at IS NOT NULL;

-- Which attachments do not work.
CREATE INDEX attachments_state ON attachments (repository, state);

-- What the backups of each source group came to, a row a day.
CREATE TABLE backup_days (
    host BLOB NOT NULL,
    day INTEGER NOT NULL,
    source_group BLOB NOT NULL,
    runs INTEGER NOT NULL,
    bytes_processed INTEGER NOT NULL,
    bytes_added INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    PRIMARY KEY (host, day, source_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX backup_days_day ON backup_days (day, host, source_group);

-- Since when each source group backs up what it does now: what is usual counts from there on.
ALTER TABLE source_groups ADD COLUMN reads_since INTEGER NOT NULL DEFAULT 0;
-- Hosts whose backups fail are few, and are asked for by name.
CREATE INDEX hosts_failing ON hosts (name_key, id)
    WHERE deleted IS NULL AND COALESCE(worst_backup_state, '') IN ('failed', 'incomplete');
-- Where each repository was seen ready. What is missing there afterwards is a loss, and nobody makes it.
CREATE TABLE repository_places (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    location TEXT NOT NULL,
    PRIMARY KEY (repository, location)
) STRICT, WITHOUT ROWID;
INSERT INTO repository_places (repository, location)
    SELECT DISTINCT attachments.repository, COALESCE(attachments.location, repositories.location)
    FROM attachments JOIN repositories ON repositories.id = attachments.repository
    WHERE NOT attachments.needs_check AND (attachments.state = 'ready' OR attachments.listed IS NOT NULL);
-- The newest snapshot of a host in a repository, so that a page about a repository asks for no snapshots.
ALTER TABLE attachments ADD COLUMN newest INTEGER;
UPDATE attachments SET newest = (SELECT MAX(time) FROM snapshots
    WHERE snapshots.host = attachments.host AND snapshots.repository = attachments.repository AND counted);
-- API tokens whose end is near are told of.
CREATE INDEX api_tokens_expires ON api_tokens (expires, id) WHERE revoked IS NULL;
-- When an open alert that nobody took on is told again: a day after it opened, and each day.
ALTER TABLE alerts ADD COLUMN remind INTEGER;
UPDATE alerts SET remind = first_seen + 86400000 WHERE state = 'open';
UPDATE alerts SET due = remind
    WHERE state = 'open' AND cause IS NULL AND settles IS NULL AND (due IS NULL OR due > remind);
CREATE TABLE schema_migrations (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (X'00000000808080808080808080808000', 'token-replay', 'warning', 'open', 'host', '00000000-8080-8080-8080-808080808000', 'Host 0', 'finding 0', '{"number":0}', 1, 1795316400000, 1795316400000, NULL, NULL, NULL, NULL, X'00000000808080808080808080808000', NULL, X'00000000808080808080808080808000', NULL, 'line 0', '', NULL, NULL, 0, '[{"at":"2026-11-22T03:00:00Z","step":"raised","text":"finding 0"}]', 1795402800000, 1795402800000);
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (X'00000002808080808080808080808002', 'token-replay', 'info', 'open', 'host', '00000002-8080-8080-8080-808080808002', 'Host 2', 'finding 2', '{"number":2}', 2, 1795316402000, 1795316402000, NULL, NULL, NULL, NULL, X'00000002808080808080808080808002', NULL, X'00000002808080808080808080808002', X'00000001808080808080808080808001', 'line 2', '', NULL, NULL, 0, '[{"at":"2026-11-22T03:00:02Z","step":"raised","text":"finding 2"}]', NULL, 1795402802000);
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (X'00000007808080808080808080808007', 'passkey-counter', 'critical', 'open', 'host', '00000001-8080-8080-8080-808080808001', 'Host 1', 'finding 7', '{"number":7}', 1, 1795316407000, 1795316407000, NULL, NULL, NULL, NULL, X'00000001808080808080808080808001', NULL, X'00000007808080808080808080808007', X'00000002808080808080808080808002', 'line 7', '', NULL, NULL, 0, '[{"at":"2026-11-22T03:00:07Z","step":"raised","text":"finding 7"}]', NULL, 1795402807000);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (X'00000001808080808080808080808001', X'00000001808080808080808080808001', NULL, 'unverified', NULL, NULL, 1, NULL, 0, 1, NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (X'00000001808080808080808080808001', X'00000002808080808080808080808002', 'rest:there', 'unverified', NULL, NULL, 1, NULL, 0, 1, NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (X'00000002808080808080808080808002', X'00000001808080808080808080808001', NULL, 'unverified', NULL, NULL, 1, NULL, 0, 1, NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (X'00000002808080808080808080808002', X'00000002808080808080808080808002', 'rest:there', 'unverified', NULL, NULL, 1, 1795316405000, 0, 1, NULL);
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES (1, X'00000000808080808080808080808000', 1795316400000, 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-0', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', X'0000000000000000000000000000000000000000000000000000000000000000', X'0D56AE5033B978CE7E4A7722EBCBB8D0D8C77792D457EBC0969751C9DBA40B2B');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES (2, X'00000001808080808080808080808001', 1795316404000, 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-1', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', X'0D56AE5033B978CE7E4A7722EBCBB8D0D8C77792D457EBC0969751C9DBA40B2B', X'8D606091C62AB928E36E3B04BF92486441638165D302D24D2681507257E83D10');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES (3, X'00000002808080808080808080808002', 1795316408000, 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-2', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', X'8D606091C62AB928E36E3B04BF92486441638165D302D24D2681507257E83D10', X'9A2BCDFFB242071B0872A7145068C8E184625098301081F5CD161F1A228100E9');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES (4, X'00000003808080808080808080808003', 1795316408000, 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-2', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', X'9A2BCDFFB242071B0872A7145068C8E184625098301081F5CD161F1A228100E9', X'AF6E7591652FD380C1A95ED49ACBB17B01EF31DF905C8E912C35C42A9A5914F0');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES (5, X'00000004808080808080808080808004', 1795316400000, 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-0', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', X'AF6E7591652FD380C1A95ED49ACBB17B01EF31DF905C8E912C35C42A9A5914F0', X'9D2EF33C163EEE7932D52B14108670200A9763C634851C200877D87BDCF6CBFB');
INSERT INTO backup_days (host, day, source_group, runs, bytes_processed, bytes_added, milliseconds) VALUES (X'00000001808080808080808080808001', 2, X'00000001808080808080808080808001', 1, 1000, 100, 7);
INSERT INTO bootstrap (slot, token, created, spent) VALUES (1, X'0000000207070707070707070707070707070707070707070707070707070707', 1795316404000, NULL);
INSERT INTO channels (id, name, name_key, kind, fields, secrets, sealed, enabled, failing_since, trouble, delivered, created, version) VALUES (X'00000000808080808080808080808000', 'Channel 0', 'channel 0', 'webhook', '{"url":"https://0.example.com"}', '["secret"]', X'3C00', 1, NULL, NULL, NULL, 1795316400000, 1);
INSERT INTO channels (id, name, name_key, kind, fields, secrets, sealed, enabled, failing_since, trouble, delivered, created, version) VALUES (X'00000002808080808080808080808002', 'Channel 2', 'channel 2', 'webhook', '{"url":"https://2.example.com"}', '["secret"]', X'3C02', 1, NULL, NULL, NULL, 1795316402000, 1);
INSERT INTO counters (name, shard, value) VALUES ('alerts/open/warning', 0, 1);
INSERT INTO counters (name, shard, value) VALUES ('jobs:dispatched', 2, 1);
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', 1, 1);
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', 2, 0);
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', 3, 0);
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', 4, 0);
INSERT INTO counters (name, shard, value) VALUES ('jobs:running', 3, 1);
INSERT INTO counters (name, shard, value) VALUES ('jobs:running', 4, 1);
INSERT INTO deletion_tests (repository, verdict, at, host, job) VALUES (X'00000001808080808080808080808001', 'refused', 1795316404000, X'00000001808080808080808080808001', X'00000004808080808080808080808004');
INSERT INTO drafts (job, sealed) VALUES (X'00000002808080808080808080808002', X'00');
INSERT INTO enrolment_tags (tag, enrolment) VALUES ('new', X'00000001808080808080808080808001');
INSERT INTO enrolment_tags (tag, enrolment) VALUES ('new', X'00000002808080808080808080808002');
INSERT INTO enrolments (id, token, host_name, tags, presence_mode, attachments, include_paths, created_by, created, expires, state, spent_by, replaced_by, take_over) VALUES (X'00000001808080808080808080808001', X'0000000107070707070707070707070707070707070707070707070707070707', 'host-1', '["new"]', 'intermittent', '[{"repository":"00000001-8080-8080-8080-808080808001","location":"rest:x"}]', '["/home","/etc"]', X'00000001808080808080808080808001', 1795316401000, 1795320001000, 'open', NULL, NULL, X'00000001808080808080808080808001');
INSERT INTO enrolments (id, token, host_name, tags, presence_mode, attachments, include_paths, created_by, created, expires, state, spent_by, replaced_by, take_over) VALUES (X'00000002808080808080808080808002', X'0000000207070707070707070707070707070707070707070707070707070707', 'host-2', '["new"]', 'intermittent', '[{"repository":"00000001-8080-8080-8080-808080808001","location":"rest:x"}]', '["/home","/etc"]', X'00000001808080808080808080808001', 1795316402000, 1795320002000, 'open', NULL, NULL, NULL);
INSERT INTO host_tags (tag, host) VALUES ('linux', X'00000000808080808080808080808000');
INSERT INTO host_tags (tag, host) VALUES ('linux', X'00000001808080808080808080808001');
INSERT INTO host_tags (tag, host) VALUES ('linux', X'00000002808080808080808080808002');
INSERT INTO host_tags (tag, host) VALUES ('rack-0', X'00000000808080808080808080808000');
INSERT INTO host_tags (tag, host) VALUES ('rack-1', X'00000001808080808080808080808001');
INSERT INTO host_tags (tag, host) VALUES ('rack-2', X'00000002808080808080808080808002');
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (X'00000000808080808080808080808000', 'Host 0', 'host 0', '["linux","rack-0"]', 'always-on', X'0000000000000000000000000000000000000000000000000000000000000000', X'0000000007070707070707070707070707070707070707070707070707070707', 1795316400000, 1795316407000, 0, '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, 1, NULL, NULL, NULL, 1795316400000, NULL, NULL, '[[0,0,0,0,1],[14,0,0,0,1]]', 2, 'digest-2', NULL, NULL, 1795316401000, NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-0', NULL);
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (X'00000001808080808080808080808001', 'Host 001', 'host 001', '["linux","rack-1"]', 'always-on', X'0101010101010101010101010101010101010101010101010101010101010101', X'0000000107070707070707070707070707070707070707070707070707070707', 1795316401000, NULL, 0, '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, X'00000003808080808080808080808003', X'00000001808080808080808080808001', 1, 1, NULL, X'0000000207070707070707070707070707070707070707070707070707070707', NULL, 1795316401000, NULL, NULL, '[]', NULL, NULL, 1, 'digest-0', 1795316403000, NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-1', NULL);
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (X'00000002808080808080808080808002', 'Host 002', 'host 002', '["linux","rack-2"]', 'always-on', X'0202020202020202020202020202020202020202020202020202020202020202', X'0000000207070707070707070707070707070707070707070707070707070707', 1795316402000, NULL, 0, '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, X'00000004808080808080808080808004', NULL, NULL, 1, NULL, NULL, NULL, 1795316402000, NULL, NULL, '[[0,0,0,0,1],[2,0,0,0,1]]', 2, 'digest-2', 1, 'digest-0', 1795316403000, NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-2', NULL);
INSERT INTO job_logs (job, first_sequence, last_sequence, chunked, body) VALUES (X'00000003808080808080808080808003', 360, 364, 0, X'00E80280F7BD93C068067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303336302E7478742C20736176656420696E20302E3030307301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303336312E7478742C20736176656420696E20302E3030317301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303336322E7478742C20736176656420696E20302E3030327301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303336332E7478742C20736176656420696E20302E3030337301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303336342E7478742C20736176656420696E20302E30303473');
INSERT INTO job_logs (job, first_sequence, last_sequence, chunked, body) VALUES (X'00000004808080808080808080808004', 80, 93, 0, X'005080E09B93C068067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038302E7478742C20736176656420696E20302E3030307301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038312E7478742C20736176656420696E20302E3030317301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038322E7478742C20736176656420696E20302E3030327301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038332E7478742C20736176656420696E20302E3030337301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038342E7478742C20736176656420696E20302E3030347301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038352E7478742C20736176656420696E20302E3030357301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038362E7478742C20736176656420696E20302E3030367301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038372E7478742C20736176656420696E20302E3030377301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038382E7478742C20736176656420696E20302E3030387301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303038392E7478742C20736176656420696E20302E3030397301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303039302E7478742C20736176656420696E20302E3030307301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303039312E7478742C20736176656420696E20302E3030317301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303039322E7478742C20736176656420696E20302E3030327301D00F067374646F75743A6E657720202F686F6D652F757365722F646F63756D656E74732F66696C652D3030303039332E7478742C20736176656420696E20302E30303373');
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (X'00000001808080808080808080808001', X'00000001808080808080808080808001', 'backup', 'queued', 'none', '', 'manual', X'00000001808080808080808080808001', X'00000001808080808080808080808001', X'00000002808080808080808080808002', 1795316461000, 1795317001000, 1795316401000, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, NULL, '{"dry_run":true}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (X'00000002808080808080808080808002', X'00000002808080808080808080808002', 'backup', 'dispatched', 'none', '', 'manual', X'00000001808080808080808080808001', X'00000000808080808080808080808000', X'00000001808080808080808080808001', 1795316462000, 1795317002000, 1795316402000, 1795316404000, NULL, NULL, 1795316402000, 1, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, NULL, '{}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (X'00000003808080808080808080808003', X'00000001808080808080808080808001', 'backup', 'running', 'none', '', 'manual', X'00000001808080808080808080808001', X'00000001808080808080808080808001', X'00000002808080808080808080808002', 1795316463000, 1795317003000, 1795316403000, NULL, 1795316407000, NULL, NULL, 0, NULL, 364, 5, 290, 359, 0, 370, NULL, 0, 'restic backup', '{"dry_run":true}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (X'00000004808080808080808080808004', X'00000002808080808080808080808002', 'backup', 'running', 'none', '', 'manual', X'00000001808080808080808080808001', X'00000000808080808080808080808000', X'00000001808080808080808080808001', 1795316464000, 1795317004000, 1795316404000, NULL, 1795316400000, NULL, NULL, 0, NULL, 93, 14, 812, 79, 0, 1036, NULL, 0, 'restic backup', '{}', NULL, NULL, NULL, NULL);
INSERT INTO leases (job, repository, host, kind, mode, state, expires, lost) VALUES (X'00000003808080808080808080808003', X'00000002808080808080808080808002', X'00000000808080808080808080808000', 'backup', 'exclusive', 'waits-for-repository', 1795316401000, NULL);
INSERT INTO maintenance (id, scope, starts, ends, reason, created, created_by) VALUES (X'00000002808080808080808080808002', '{"kind":"tags","tags":["rack-1"]}', 1795316405000, 1795316407000, 'reason 2', 1795316402000, X'00000001808080808080808080808001');
INSERT INTO notices (id, alert, event, moment) VALUES (X'00000003808080808080808080808003', X'00000001808080808080808080808001', 'raised', 1795316403000);
INSERT INTO replies (actor, request_key, fingerprint, status, body, created, expires) VALUES ('user-1', 'key-0', X'0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A', 201, X'0A', 1795316402000, 1795316404000);
INSERT INTO replies (actor, request_key, fingerprint, status, body, created, expires) VALUES ('user-2', 'key-2', X'0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B', 201, X'0B', 1795316403000, 1795316405000);
INSERT INTO repositories (id, name, name_key, location, backend, password, password_set, created, version, deleted, runner, parallel) VALUES (X'00000001808080808080808080808001', 'Repository 1', 'repository 1', 'rest:https://backup.example/', 'rest', X'01', 1795316401000, 1795316401000, 2, NULL, NULL, NULL);
INSERT INTO repositories (id, name, name_key, location, backend, password, password_set, created, version, deleted, runner, parallel) VALUES (X'00000002808080808080808080808002', 'Repository 2', 'repository 2', 'rest:https://backup.example/', 'rest', X'020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202', 1795316402000, 1795316402000, 2, NULL, X'00000001808080808080808080808001', 3);
INSERT INTO routes (id, place, name, rule, created, version) VALUES (X'00000000808080808080808080808000', 0, 'route 0', '{"matcher":{"severity":"info","kinds":[],"scope":{"kind":"tags","tags":["rack-1"]},"repositories":[]},"channels":["00000000-8080-8080-8080-808080808000"],"timing":"daily","resolved":true,"reminders":false,"goes_on":true,"quiet":null,"zone":"UTC","digest_at":"07:00"}', 1795316400000, 1);
INSERT INTO schema_migrations (number, name) VALUES (1, 'foundation');
INSERT INTO schema_migrations (number, name) VALUES (10, 'plans');
INSERT INTO schema_migrations (number, name) VALUES (11, 'factors');
INSERT INTO schema_migrations (number, name) VALUES (12, 'upkeep');
INSERT INTO schema_migrations (number, name) VALUES (13, 'trust');
INSERT INTO schema_migrations (number, name) VALUES (14, 'group_standings');
INSERT INTO schema_migrations (number, name) VALUES (15, 'api_token_scopes');
INSERT INTO schema_migrations (number, name) VALUES (16, 'measurements');
INSERT INTO schema_migrations (number, name) VALUES (17, 'previews');
INSERT INTO schema_migrations (number, name) VALUES (18, 'hooks');
INSERT INTO schema_migrations (number, name) VALUES (19, 'backups');
INSERT INTO schema_migrations (number, name) VALUES (2, 'schedules');
INSERT INTO schema_migrations (number, name) VALUES (20, 'maintenance');
INSERT INTO schema_migrations (number, name) VALUES (22, 'freezes');
INSERT INTO schema_migrations (number, name) VALUES (24, 'notifications');
INSERT INTO schema_migrations (number, name) VALUES (25, 'alert_lifecycle');
INSERT INTO schema_migrations (number, name) VALUES (27, 'failing');
INSERT INTO schema_migrations (number, name) VALUES (28, 'places');
INSERT INTO schema_migrations (number, name) VALUES (29, 'newest');
INSERT INTO schema_migrations (number, name) VALUES (3, 'alerts');
INSERT INTO schema_migrations (number, name) VALUES (32, 'expiring_tokens');
INSERT INTO schema_migrations (number, name) VALUES (33, 'reminders');
INSERT INTO schema_migrations (number, name) VALUES (4, 'scopes');
INSERT INTO schema_migrations (number, name) VALUES (5, 'retention');
INSERT INTO schema_migrations (number, name) VALUES (6, 'session_proof');
INSERT INTO schema_migrations (number, name) VALUES (7, 'audit_proof');
INSERT INTO schema_migrations (number, name) VALUES (8, 'agent_tokens');
INSERT INTO schema_migrations (number, name) VALUES (9, 'people');
INSERT INTO sessions (id, family, user_id, token, created, last_seen, idle_expires, expires, address, user_agent, replaced_by, proved, started, confirmed) VALUES (X'00000004808080808080808080808004', X'00000004808080808080808080808004', X'00000001808080808080808080808001', X'0000000407070707070707070707070707070707070707070707070707070707', 1795316404000, 1795316404000, 1795316504000, 1795317404000, '192.0.2.7', NULL, NULL, 1795316404000, 1795316404000, 1795316404000);
INSERT INTO silences (id, matcher, starts, ends, reason, created, created_by) VALUES (X'00000001808080808080808080808001', '{"severity":"warning","kinds":[],"scope":{"kind":"all"},"repositories":[]}', 1795316405000, 1795316407000, 'reason 1', 1795316401000, X'00000001808080808080808080808001');
INSERT INTO silences (id, matcher, starts, ends, reason, created, created_by) VALUES (X'00000002808080808080808080808002', '{"severity":"warning","kinds":[],"scope":{"kind":"all"},"repositories":[]}', 1795316401000, 1795316402000, 'reason 2', 1795316402000, X'00000001808080808080808080808001');
INSERT INTO source_groups (id, host, name, name_key, includes, excludes, tag, repository, options, created, version, retention, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, command, reads_since) VALUES (X'00000001808080808080808080808001', X'00000001808080808080808080808001', 'Group 1', 'group 1', '["/home"]', '["*.tmp"]', 'group-1', X'00000001808080808080808080808001', '{"one_file_system":true}', 1795316401000, 1, '{"daily":1}', NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO source_groups (id, host, name, name_key, includes, excludes, tag, repository, options, created, version, retention, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, command, reads_since) VALUES (X'00000002808080808080808080808002', X'00000002808080808080808080808002', 'Group 2', 'group 2', '["/home"]', '["*.tmp"]', 'group-2', X'00000001808080808080808080808001', '{"one_file_system":true}', 1795316402000, 1, '{"daily":2}', NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO spent (what, expires) VALUES (X'0000000007070707070707070707070707070707070707070707070707070707', 1795316403000);
INSERT INTO upkeep (repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, part, parts) VALUES (X'00000001808080808080808080808001', 'forget', 24, 1795316404000, 1795316400000, NULL, 0, X'00000000808080808080808080808000', NULL, NULL, 1, 20);
INSERT INTO upkeep (repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, part, parts) VALUES (X'00000002808080808080808080808002', 'check', 24, 1795316405000, 1795316400000, NULL, 2, X'00000003808080808080808080808003', NULL, NULL, 1, 20);
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (X'00000000808080808080808080808000', 'User 0', 'user 0', 'admin', '$argon2id$hash 0', 0, 1795316400000, 1, '{"kind":"all"}', 1795316400000, NULL);
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (X'00000001808080808080808080808001', 'User 1', 'user 1', 'operator', '$argon2id$hash 1', 0, 1795316401000, 1, '{"kind":"all"}', 1795316401000, NULL);
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (X'00000002808080808080808080808002', 'User 2', 'user 2', 'operator', '$argon2id$hash 2', 0, 1795316402000, 1, '{"kind":"all"}', 1795316402000, NULL);
