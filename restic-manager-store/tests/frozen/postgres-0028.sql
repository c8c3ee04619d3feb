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
-- When source groups are backed up. Slots after `since` count.
CREATE TABLE schedules (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL REFERENCES hosts (id),
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    cron TEXT COLLATE "C" NOT NULL,
    zone TEXT COLLATE "C" NOT NULL,
    misfire TEXT COLLATE "C" NOT NULL,
    jitter_seconds BIGINT NOT NULL,
    enabled BOOLEAN NOT NULL,
    since BIGINT NOT NULL,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (host, name_key)
);

-- What a schedule runs, in this order.
CREATE TABLE schedule_groups (
    schedule BYTEA NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    place BIGINT NOT NULL,
    source_group BYTEA NOT NULL REFERENCES source_groups (id),
    PRIMARY KEY (schedule, place),
    UNIQUE (source_group, schedule)
);
-- What needs somebody. Of each kind and subject one at most is not resolved.
CREATE TABLE alerts (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL,
    count BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    acknowledged BIGINT,
    acknowledged_by BYTEA,
    resolved BIGINT,
    resolved_by BYTEA
);
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
    tag TEXT COLLATE "C" NOT NULL,
    enrolment BYTEA NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, enrolment)
);
CREATE INDEX enrolment_tags_enrolment ON enrolment_tags (enrolment);

INSERT INTO enrolment_tags (tag, enrolment)
SELECT DISTINCT tag.value, enrolments.id FROM enrolments, jsonb_array_elements_text(enrolments.tags::jsonb) AS tag (value);
-- Which snapshots of a source group are kept, and what was chosen for a job: JSON text each, `{}` for nothing.
ALTER TABLE source_groups ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
CREATE INDEX source_groups_thinned ON source_groups (repository, id) WHERE retention <> '{}';
-- A session that is open now was proved when it began.
ALTER TABLE sessions ADD COLUMN proved BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET proved = created;
-- Signed marks in the audit log, and its lists by time.
CREATE TABLE audit_checkpoints (
    sequence BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA NOT NULL,
    moment BIGINT NOT NULL,
    signer BYTEA NOT NULL,
    signature BYTEA NOT NULL
);

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
ALTER TABLE hosts ADD COLUMN next_token BYTEA;
ALTER TABLE hosts ADD COLUMN last_token BYTEA;
ALTER TABLE hosts ADD COLUMN token_since BIGINT;
UPDATE hosts SET token_since = enrolled;

-- The host whose record an invitation gives to a new agent.
ALTER TABLE enrolments ADD COLUMN take_over BYTEA;
-- A person without a password has yet to follow a setup link; until then the hash is of something nobody knows.
ALTER TABLE users ADD COLUMN password_set BIGINT;
ALTER TABLE users ADD COLUMN last_login BIGINT;
UPDATE users SET password_set = created;

-- When the family began, and when this token was first shown: a token that was never shown may never have arrived.
ALTER TABLE sessions ADD COLUMN started BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN confirmed BIGINT;
UPDATE sessions SET started = created, confirmed = created;

-- One per person at most.
CREATE TABLE setup_links (
    user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token BYTEA NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    created_by BYTEA,
    expires BIGINT NOT NULL
);
CREATE INDEX setup_links_expires ON setup_links (expires);

-- How much of an allowance is used up: the moment when it will be whole again. A whole one has no row.
CREATE TABLE limits (
    lane BYTEA NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);
CREATE INDEX limits_full_at ON limits (full_at);
-- What a host's schedules promise, and which configuration its agent has.
ALTER TABLE hosts ADD COLUMN next_run BIGINT;
ALTER TABLE hosts ADD COLUMN fresh_until BIGINT;
ALTER TABLE hosts ADD COLUMN days TEXT NOT NULL DEFAULT '[]';
ALTER TABLE hosts ADD COLUMN wanted_number BIGINT;
ALTER TABLE hosts ADD COLUMN wanted_digest TEXT COLLATE "C";
ALTER TABLE hosts ADD COLUMN held_number BIGINT;
ALTER TABLE hosts ADD COLUMN held_digest TEXT COLLATE "C";
ALTER TABLE hosts ADD COLUMN drift_since BIGINT;
ALTER TABLE hosts ADD COLUMN refusal TEXT;
-- Without a schedule a snapshot counts as fresh for a week.
UPDATE hosts SET fresh_until = last_snapshot + 604800000;
DROP INDEX hosts_standing;
CREATE INDEX hosts_standing ON hosts (last_backup_state, fresh_until) WHERE deleted IS NULL;
CREATE INDEX hosts_next_run ON hosts ((COALESCE(next_run, 9223372036854775807)), id) WHERE deleted IS NULL;
CREATE INDEX hosts_last_good ON hosts ((COALESCE(last_good_backup, -9223372036854775807)), id) WHERE deleted IS NULL;
CREATE INDEX hosts_drift ON hosts (name_key, id) WHERE deleted IS NULL AND drift_since IS NOT NULL;

-- The slots of a schedule that a job is for: one, or several that were skipped together.
ALTER TABLE jobs ADD COLUMN schedule BYTEA;
ALTER TABLE jobs ADD COLUMN slot BIGINT;
ALTER TABLE jobs ADD COLUMN slot_last BIGINT;
ALTER TABLE jobs ADD COLUMN slots BIGINT;
CREATE UNIQUE INDEX jobs_slot ON jobs (schedule, slot, source_group) WHERE schedule IS NOT NULL;
CREATE INDEX jobs_schedule ON jobs (schedule, id) WHERE schedule IS NOT NULL;
CREATE TABLE totp (
    user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret BYTEA NOT NULL,
    created BIGINT NOT NULL,
    last_step BIGINT NOT NULL,
    last_used BIGINT
);

CREATE TABLE recovery_codes (
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code BYTEA NOT NULL,
    PRIMARY KEY (user_id, code)
);

CREATE TABLE passkeys (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    credential BYTEA NOT NULL UNIQUE,
    public_key BYTEA NOT NULL,
    counter BIGINT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT
);
CREATE INDEX passkeys_user ON passkeys (user_id, id);

-- What is good once and was used: kept until it would have expired anyway.
CREATE TABLE spent (
    what BYTEA NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX spent_expires ON spent (expires);

CREATE TABLE api_tokens (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    token BYTEA NOT NULL UNIQUE,
    role TEXT COLLATE "C" NOT NULL,
    dangerous BOOLEAN NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    last_address TEXT COLLATE "C",
    revoked BIGINT
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, id) WHERE revoked IS NULL;
CREATE INDEX api_tokens_live ON api_tokens (id) WHERE revoked IS NULL;
-- Rights to use a repository, held or waited for; each goes with its job.
CREATE TABLE leases (
    job BYTEA NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    repository BYTEA NOT NULL,
    host BYTEA NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    expires BIGINT NOT NULL,
    lost BIGINT
);
CREATE INDEX leases_held ON leases (repository, job) WHERE state = 'held';
CREATE INDEX leases_waiting ON leases (repository, job) WHERE state <> 'held';
CREATE INDEX leases_queue ON leases (job) WHERE state <> 'held';
CREATE INDEX leases_fleet ON leases (job) WHERE state = 'waits-for-fleet';
CREATE INDEX leases_all_held ON leases (expires, job) WHERE state = 'held';
CREATE INDEX leases_host ON leases (host);

-- The duties of a repository. A moment of 0 was never planned.
CREATE TABLE upkeep (
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    every_hours BIGINT,
    due BIGINT,
    since BIGINT NOT NULL,
    effective BIGINT,
    failures BIGINT NOT NULL,
    job BYTEA,
    last_job BYTEA,
    last_cause TEXT,
    part BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    PRIMARY KEY (repository, kind)
);
CREATE INDEX upkeep_due ON upkeep (due, repository, kind) WHERE due IS NOT NULL;

ALTER TABLE repositories ADD COLUMN runner BYTEA;
ALTER TABLE repositories ADD COLUMN parallel BIGINT;
CREATE INDEX repositories_runner ON repositories (runner) WHERE runner IS NOT NULL;

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'forget', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'prune', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'check', 720, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
-- Hosts that announced themselves and wait for an admin, and what was decided on them lately.
CREATE TABLE pending_hosts (
    id BYTEA NOT NULL PRIMARY KEY,
    public_key BYTEA NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    address TEXT,
    network TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    looked_at BIGINT,
    state TEXT NOT NULL,
    host BYTEA
);
CREATE INDEX pending_hosts_state ON pending_hosts (state, id);
CREATE INDEX pending_hosts_expires ON pending_hosts (expires);

-- Removed hosts, for their own list.
CREATE INDEX hosts_deleted ON hosts (name_key, id) WHERE deleted IS NOT NULL;
-- How each source group's last backup ended, and what that makes of its host.
ALTER TABLE source_groups ADD COLUMN last_backup_job BYTEA;
ALTER TABLE source_groups ADD COLUMN last_backup_state TEXT;
ALTER TABLE source_groups ADD COLUMN last_backup_cause TEXT;
ALTER TABLE source_groups ADD COLUMN last_backup_ended BIGINT;
ALTER TABLE source_groups ADD COLUMN last_backup_bytes BIGINT;

ALTER TABLE hosts ADD COLUMN worst_backup_job BYTEA;
ALTER TABLE hosts ADD COLUMN worst_backup_state TEXT;
ALTER TABLE hosts ADD COLUMN worst_backup_cause TEXT;
ALTER TABLE hosts ADD COLUMN worst_backup_ended BIGINT;
ALTER TABLE hosts ADD COLUMN worst_backup_bytes BIGINT;
UPDATE hosts SET worst_backup_job = last_backup_job, worst_backup_state = last_backup_state,
    worst_backup_cause = last_backup_cause, worst_backup_ended = last_backup_ended,
    worst_backup_bytes = last_backup_bytes WHERE last_backup_state IN ('succeeded', 'incomplete', 'failed');
DROP INDEX hosts_standing;
CREATE INDEX hosts_standing ON hosts (worst_backup_state, fresh_until) WHERE deleted IS NULL;

-- The tag of a snapshot that has no other.
ALTER TABLE snapshots ADD COLUMN tag TEXT;
UPDATE snapshots SET tag = seen::json -> 'tags' ->> 0 WHERE json_array_length(seen::json -> 'tags') = 1;
CREATE INDEX snapshots_tag ON snapshots (host, repository, tag, time, id) WHERE tag IS NOT NULL;

DELETE FROM counters WHERE name LIKE 'hosts:%';
-- For which part of the fleet a token is, within its maker's. Those that were there before are for all of it.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '{"kind":"all"}';
-- What repositories held, a row a day.
CREATE TABLE measurements (
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    at BIGINT NOT NULL,
    snapshots BIGINT NOT NULL,
    files BIGINT NOT NULL,
    restore_bytes BIGINT NOT NULL,
    raw_bytes BIGINT NOT NULL,
    uncompressed_bytes BIGINT,
    locks BIGINT NOT NULL,
    PRIMARY KEY (repository, day)
);
CREATE INDEX measurements_at ON measurements (at, repository);

-- Whether the everyday credential of a repository was seen to delete.
CREATE TABLE deletion_tests (
    repository BYTEA NOT NULL PRIMARY KEY REFERENCES repositories (id) ON DELETE CASCADE,
    verdict TEXT NOT NULL,
    at BIGINT NOT NULL,
    host BYTEA NOT NULL,
    job BYTEA NOT NULL
);

INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'statistics', 24, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL;
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'deletion-test', 168, 0, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL AND backend <> 'local';
INSERT INTO upkeep (repository, kind, every_hours, due, since, failures, part, parts)
    SELECT id, 'deletion-test', NULL, NULL, 0, 0, 1, 20 FROM repositories WHERE deleted IS NULL AND backend = 'local';
-- What retention policies that were tried would make of snapshots.
CREATE TABLE previews (
    job BYTEA NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    time BIGINT NOT NULL,
    previewed TEXT NOT NULL,
    PRIMARY KEY (job, id)
);
CREATE INDEX previews_time ON previews (job, time, id);

-- What a job tries before anybody keeps it; wiped when the job ends.
CREATE TABLE drafts (
    job BYTEA NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL
);
-- Scripts around backups; a row belongs to the host or the source group of that id, as its kind says.
CREATE TABLE hooks (
    kind TEXT COLLATE "C" NOT NULL,
    owner BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    set_by BYTEA,
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, owner)
);
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
    id BYTEA NOT NULL PRIMARY KEY,
    scope TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by BYTEA NOT NULL
);
CREATE INDEX maintenance_ends ON maintenance (ends, id);

-- Purges of hosts left their scripts, and those of their groups.
DELETE FROM hooks WHERE (kind = 'host' AND owner NOT IN (SELECT id FROM hosts))
    OR (kind = 'source-group' AND owner NOT IN (SELECT id FROM source_groups));
-- Forget and prune that are paused: of a repository, or of one of its source groups.
CREATE TABLE freezes (
    id BYTEA NOT NULL PRIMARY KEY,
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    source_group BYTEA REFERENCES source_groups (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by BYTEA
);
CREATE INDEX freezes_of_repository ON freezes (repository, created, id);
CREATE UNIQUE INDEX freezes_whole ON freezes (repository, cause) WHERE source_group IS NULL;
CREATE UNIQUE INDEX freezes_group ON freezes (source_group, cause) WHERE source_group IS NOT NULL;

-- Whether a snapshot counts as newest: not one that was listed before its own time.
ALTER TABLE snapshots ADD COLUMN counted BOOLEAN NOT NULL DEFAULT TRUE;
UPDATE snapshots SET counted = FALSE WHERE time > first_seen + 300000;
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
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    secrets TEXT NOT NULL,
    sealed BYTEA,
    enabled BOOLEAN NOT NULL,
    failing_since BIGINT,
    trouble TEXT,
    delivered BIGINT,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Which alerts are told through which channels, asked in the order of their places.
CREATE TABLE routes (
    id BYTEA NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX routes_place ON routes (place, id);

-- Times in which nobody is told of some alerts.
CREATE TABLE silences (
    id BYTEA NOT NULL PRIMARY KEY,
    matcher TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by BYTEA NOT NULL
);
CREATE INDEX silences_ends ON silences (ends, id);

-- Changes of alerts that routes have yet to be asked about; written with the change itself.
CREATE TABLE notices (
    id BYTEA NOT NULL PRIMARY KEY,
    alert BYTEA NOT NULL,
    event TEXT NOT NULL,
    moment BIGINT NOT NULL
);

-- Messages on their way, and those that arrived or were given up. One that is over has no due.
CREATE TABLE deliveries (
    id BYTEA NOT NULL PRIMARY KEY,
    channel BYTEA NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    route BYTEA,
    group_key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    items TEXT NOT NULL,
    count BIGINT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT,
    tried BIGINT,
    attempts BIGINT NOT NULL,
    answer TEXT,
    ended BIGINT
);
CREATE INDEX deliveries_group ON deliveries (channel, group_key, id);
CREATE INDEX deliveries_channel ON deliveries (channel, id);
CREATE INDEX deliveries_due ON deliveries (due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (channel, due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended, id) WHERE ended IS NOT NULL;
-- Where an alert was found, what its cause is, for how long somebody took it on, and what became of it.
ALTER TABLE alerts ADD COLUMN host BYTEA;
ALTER TABLE alerts ADD COLUMN repository BYTEA;
ALTER TABLE alerts ADD COLUMN job BYTEA;
ALTER TABLE alerts ADD COLUMN cause BYTEA;
ALTER TABLE alerts ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN acknowledged_until BIGINT;
ALTER TABLE alerts ADD COLUMN settles BIGINT;
ALTER TABLE alerts ADD COLUMN reopened BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN history TEXT NOT NULL DEFAULT '[]';
-- When something is to be done about it although nothing was found.
ALTER TABLE alerts ADD COLUMN due BIGINT;
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
ALTER TABLE hosts ADD COLUMN watch_at BIGINT;
UPDATE hosts SET watch_at = 0 WHERE deleted IS NULL;
CREATE INDEX hosts_watch ON hosts (watch_at, id) WHERE watch_at IS NOT NULL;

-- Which attachments do not work.
CREATE INDEX attachments_state ON attachments (repository, state);

-- What the backups of each source group came to, a row a day.
CREATE TABLE backup_days (
    host BYTEA NOT NULL,
    day BIGINT NOT NULL,
    source_group BYTEA NOT NULL,
    runs BIGINT NOT NULL,
    bytes_processed BIGINT NOT NULL,
    bytes_added BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    PRIMARY KEY (host, day, source_group)
);
CREATE INDEX backup_days_day ON backup_days (day, host, source_group);

-- Since when each source group backs up what it does now: what is usual counts from there on.
ALTER TABLE source_groups ADD COLUMN reads_since BIGINT NOT NULL DEFAULT 0;
-- Hosts whose backups fail are few, and are asked for by name.
CREATE INDEX hosts_failing ON hosts (name_key, id)
    WHERE deleted IS NULL AND COALESCE(worst_backup_state, '') IN ('failed', 'incomplete');
-- Where each repository was seen ready. What is missing there afterwards is a loss, and nobody makes it.
CREATE TABLE repository_places (
    repository BYTEA NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    location TEXT NOT NULL,
    PRIMARY KEY (repository, location)
);
INSERT INTO repository_places (repository, location)
    SELECT DISTINCT attachments.repository, COALESCE(attachments.location, repositories.location)
    FROM attachments JOIN repositories ON repositories.id = attachments.repository
    WHERE NOT attachments.needs_check AND (attachments.state = 'ready' OR attachments.listed IS NOT NULL);
-- The newest snapshot of a host in a repository, so that a page about a repository asks for no snapshots.
ALTER TABLE attachments ADD COLUMN newest BIGINT;
UPDATE attachments SET newest = (SELECT MAX(time) FROM snapshots
    WHERE snapshots.host = attachments.host AND snapshots.repository = attachments.repository AND counted);
-- API tokens whose end is near are told of.
CREATE INDEX api_tokens_expires ON api_tokens (expires, id) WHERE revoked IS NULL;
-- When an open alert that nobody took on is told again: a day after it opened, and each day.
ALTER TABLE alerts ADD COLUMN remind BIGINT;
UPDATE alerts SET remind = first_seen + 86400000 WHERE state = 'open';
UPDATE alerts SET due = remind
    WHERE state = 'open' AND cause IS NULL AND settles IS NULL AND (due IS NULL OR due > remind);
CREATE TABLE schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (E'\\x00000000808080808080808080808000', 'token-replay', 'warning', 'open', 'host', '00000000-8080-8080-8080-808080808000', 'Host 0', 'finding 0', '{"number":0}', '1', '1795316400000', '1795316400000', NULL, NULL, NULL, NULL, E'\\x00000000808080808080808080808000', NULL, E'\\x00000000808080808080808080808000', NULL, 'line 0', '', NULL, NULL, '0', '[{"at":"2026-11-22T03:00:00Z","step":"raised","text":"finding 0"}]', '1795402800000', '1795402800000');
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (E'\\x00000002808080808080808080808002', 'token-replay', 'info', 'open', 'host', '00000002-8080-8080-8080-808080808002', 'Host 2', 'finding 2', '{"number":2}', '2', '1795316402000', '1795316402000', NULL, NULL, NULL, NULL, E'\\x00000002808080808080808080808002', NULL, E'\\x00000002808080808080808080808002', E'\\x00000001808080808080808080808001', 'line 2', '', NULL, NULL, '0', '[{"at":"2026-11-22T03:00:02Z","step":"raised","text":"finding 2"}]', NULL, '1795402802000');
INSERT INTO alerts (id, kind, severity, state, subject_kind, subject_id, subject_name, summary, detail, count, first_seen, last_seen, acknowledged, acknowledged_by, resolved, resolved_by, host, repository, job, cause, evidence, reason, acknowledged_until, settles, reopened, history, due, remind) VALUES (E'\\x00000007808080808080808080808007', 'passkey-counter', 'critical', 'open', 'host', '00000001-8080-8080-8080-808080808001', 'Host 1', 'finding 7', '{"number":7}', '1', '1795316407000', '1795316407000', NULL, NULL, NULL, NULL, E'\\x00000001808080808080808080808001', NULL, E'\\x00000007808080808080808080808007', E'\\x00000002808080808080808080808002', 'line 7', '', NULL, NULL, '0', '[{"at":"2026-11-22T03:00:07Z","step":"raised","text":"finding 7"}]', NULL, '1795402807000');
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (E'\\x00000001808080808080808080808001', E'\\x00000001808080808080808080808001', NULL, 'unverified', NULL, NULL, 'true', NULL, '0', '1', NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (E'\\x00000001808080808080808080808001', E'\\x00000002808080808080808080808002', 'rest:there', 'unverified', NULL, NULL, 'true', NULL, '0', '1', NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (E'\\x00000002808080808080808080808002', E'\\x00000001808080808080808080808001', NULL, 'unverified', NULL, NULL, 'true', NULL, '0', '1', NULL);
INSERT INTO attachments (host, repository, location, state, detail, checked, needs_check, listed, snapshots, version, newest) VALUES (E'\\x00000002808080808080808080808002', E'\\x00000002808080808080808080808002', 'rest:there', 'unverified', NULL, NULL, 'true', '1795316405000', '0', '1', NULL);
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES ('1', E'\\x00000000808080808080808080808000', '1795316400000', 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-0', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', E'\\x0000000000000000000000000000000000000000000000000000000000000000', E'\\x0d56ae5033b978ce7e4a7722ebcbb8d0d8c77792d457ebc0969751c9dba40b2b');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES ('2', E'\\x00000001808080808080808080808001', '1795316404000', 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-1', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', E'\\x0d56ae5033b978ce7e4a7722ebcbb8d0d8c77792d457ebc0969751c9dba40b2b', E'\\x8d606091c62ab928e36e3b04bf92486441638165d302d24d2681507257e83d10');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES ('3', E'\\x00000002808080808080808080808002', '1795316408000', 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-2', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', E'\\x8d606091c62ab928e36e3b04bf92486441638165d302d24d2681507257e83d10', E'\\x9a2bcdffb242071b0872a7145068c8e184625098301081f5cd161f1a228100e9');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES ('4', E'\\x00000003808080808080808080808003', '1795316408000', 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-2', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', E'\\x9a2bcdffb242071b0872a7145068c8e184625098301081f5cd161f1a228100e9', E'\\xaf6e7591652fd380c1a95ed49acbb17b01ef31df905c8e912c35c42a9a5914f0');
INSERT INTO audit (sequence, id, moment, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, outcome, address, detail, previous_hash, hash) VALUES ('5', E'\\x00000004808080808080808080808004', '1795316400000', 'user', 'user-0', 'Ada', 'host-update', 'host', 'host-0', NULL, 'done', '192.0.2.7', '{"a":{"name":"wörter"},"z":[1,null,"two"]}', E'\\xaf6e7591652fd380c1a95ed49acbb17b01ef31df905c8e912c35c42a9a5914f0', E'\\x9d2ef33c163eee7932d52b14108670200a9763c634851c200877d87bdcf6cbfb');
INSERT INTO backup_days (host, day, source_group, runs, bytes_processed, bytes_added, milliseconds) VALUES (E'\\x00000001808080808080808080808001', '2', E'\\x00000001808080808080808080808001', '1', '1000', '100', '7');
INSERT INTO bootstrap (slot, token, created, spent) VALUES ('1', E'\\x0000000207070707070707070707070707070707070707070707070707070707', '1795316404000', NULL);
INSERT INTO channels (id, name, name_key, kind, fields, secrets, sealed, enabled, failing_since, trouble, delivered, created, version) VALUES (E'\\x00000000808080808080808080808000', 'Channel 0', 'channel 0', 'webhook', '{"url":"https://0.example.com"}', '["secret"]', E'\\x3c00', 'true', NULL, NULL, NULL, '1795316400000', '1');
INSERT INTO channels (id, name, name_key, kind, fields, secrets, sealed, enabled, failing_since, trouble, delivered, created, version) VALUES (E'\\x00000002808080808080808080808002', 'Channel 2', 'channel 2', 'webhook', '{"url":"https://2.example.com"}', '["secret"]', E'\\x3c02', 'true', NULL, NULL, NULL, '1795316402000', '1');
INSERT INTO counters (name, shard, value) VALUES ('alerts/open/warning', '0', '1');
INSERT INTO counters (name, shard, value) VALUES ('jobs:dispatched', '2', '1');
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', '1', '1');
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', '2', '0');
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', '3', '0');
INSERT INTO counters (name, shard, value) VALUES ('jobs:queued', '4', '0');
INSERT INTO counters (name, shard, value) VALUES ('jobs:running', '3', '1');
INSERT INTO counters (name, shard, value) VALUES ('jobs:running', '4', '1');
INSERT INTO deletion_tests (repository, verdict, at, host, job) VALUES (E'\\x00000001808080808080808080808001', 'refused', '1795316404000', E'\\x00000001808080808080808080808001', E'\\x00000004808080808080808080808004');
INSERT INTO drafts (job, sealed) VALUES (E'\\x00000002808080808080808080808002', E'\\x00');
INSERT INTO enrolment_tags (tag, enrolment) VALUES ('new', E'\\x00000001808080808080808080808001');
INSERT INTO enrolment_tags (tag, enrolment) VALUES ('new', E'\\x00000002808080808080808080808002');
INSERT INTO enrolments (id, token, host_name, tags, presence_mode, attachments, include_paths, created_by, created, expires, state, spent_by, replaced_by, take_over) VALUES (E'\\x00000001808080808080808080808001', E'\\x0000000107070707070707070707070707070707070707070707070707070707', 'host-1', '["new"]', 'intermittent', '[{"repository":"00000001-8080-8080-8080-808080808001","location":"rest:x"}]', '["/home","/etc"]', E'\\x00000001808080808080808080808001', '1795316401000', '1795320001000', 'open', NULL, NULL, E'\\x00000001808080808080808080808001');
INSERT INTO enrolments (id, token, host_name, tags, presence_mode, attachments, include_paths, created_by, created, expires, state, spent_by, replaced_by, take_over) VALUES (E'\\x00000002808080808080808080808002', E'\\x0000000207070707070707070707070707070707070707070707070707070707', 'host-2', '["new"]', 'intermittent', '[{"repository":"00000001-8080-8080-8080-808080808001","location":"rest:x"}]', '["/home","/etc"]', E'\\x00000001808080808080808080808001', '1795316402000', '1795320002000', 'open', NULL, NULL, NULL);
INSERT INTO host_tags (tag, host) VALUES ('linux', E'\\x00000000808080808080808080808000');
INSERT INTO host_tags (tag, host) VALUES ('linux', E'\\x00000001808080808080808080808001');
INSERT INTO host_tags (tag, host) VALUES ('linux', E'\\x00000002808080808080808080808002');
INSERT INTO host_tags (tag, host) VALUES ('rack-0', E'\\x00000000808080808080808080808000');
INSERT INTO host_tags (tag, host) VALUES ('rack-1', E'\\x00000001808080808080808080808001');
INSERT INTO host_tags (tag, host) VALUES ('rack-2', E'\\x00000002808080808080808080808002');
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (E'\\x00000000808080808080808080808000', 'Host 0', 'host 0', '["linux","rack-0"]', 'always-on', E'\\x0000000000000000000000000000000000000000000000000000000000000000', E'\\x0000000007070707070707070707070707070707070707070707070707070707', '1795316400000', '1795316407000', '0', '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0', NULL, NULL, NULL, '1', NULL, NULL, NULL, '1795316400000', NULL, NULL, '[[0,0,0,0,1],[14,0,0,0,1]]', '2', 'digest-2', NULL, NULL, '1795316401000', NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-0', NULL);
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (E'\\x00000001808080808080808080808001', 'Host 001', 'host 001', '["linux","rack-1"]', 'always-on', E'\\x0101010101010101010101010101010101010101010101010101010101010101', E'\\x0000000107070707070707070707070707070707070707070707070707070707', '1795316401000', NULL, '0', '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0', E'\\x00000003808080808080808080808003', E'\\x00000001808080808080808080808001', '1', '1', NULL, E'\\x0000000207070707070707070707070707070707070707070707070707070707', NULL, '1795316401000', NULL, NULL, '[]', NULL, NULL, '1', 'digest-0', '1795316403000', NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-1', NULL);
INSERT INTO hosts (id, name, name_key, tags, presence_mode, public_key, agent_token, enrolled, last_seen, generation, facts, address, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, last_good_backup, last_snapshot, snapshots, running_job, outbox, outbox_sequence, version, deleted, next_token, last_token, token_since, next_run, fresh_until, days, wanted_number, wanted_digest, held_number, held_digest, drift_since, refusal, worst_backup_job, worst_backup_state, worst_backup_cause, worst_backup_ended, worst_backup_bytes, bandwidth, restic_name, watch_at) VALUES (E'\\x00000002808080808080808080808002', 'Host 002', 'host 002', '["linux","rack-2"]', 'always-on', E'\\x0202020202020202020202020202020202020202020202020202020202020202', E'\\x0000000207070707070707070707070707070707070707070707070707070707', '1795316402000', NULL, '0', '{"hostname":"","operating_system":"","os_version":"","architecture":"","agent_version":"","restic_version":null,"time_zone":null}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0', E'\\x00000004808080808080808080808004', NULL, NULL, '1', NULL, NULL, NULL, '1795316402000', NULL, NULL, '[[0,0,0,0,1],[2,0,0,0,1]]', '2', 'digest-2', '1', 'digest-0', '1795316403000', NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'host-2', NULL);
INSERT INTO job_logs (job, first_sequence, last_sequence, chunked, body) VALUES (E'\\x00000003808080808080808080808003', '360', '364', 'false', E'\\x00e80280f7bd93c068067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303336302e7478742c20736176656420696e20302e3030307301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303336312e7478742c20736176656420696e20302e3030317301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303336322e7478742c20736176656420696e20302e3030327301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303336332e7478742c20736176656420696e20302e3030337301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303336342e7478742c20736176656420696e20302e30303473');
INSERT INTO job_logs (job, first_sequence, last_sequence, chunked, body) VALUES (E'\\x00000004808080808080808080808004', '80', '93', 'false', E'\\x005080e09b93c068067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038302e7478742c20736176656420696e20302e3030307301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038312e7478742c20736176656420696e20302e3030317301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038322e7478742c20736176656420696e20302e3030327301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038332e7478742c20736176656420696e20302e3030337301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038342e7478742c20736176656420696e20302e3030347301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038352e7478742c20736176656420696e20302e3030357301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038362e7478742c20736176656420696e20302e3030367301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038372e7478742c20736176656420696e20302e3030377301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038382e7478742c20736176656420696e20302e3030387301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303038392e7478742c20736176656420696e20302e3030397301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303039302e7478742c20736176656420696e20302e3030307301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303039312e7478742c20736176656420696e20302e3030317301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303039322e7478742c20736176656420696e20302e3030327301d00f067374646f75743a6e657720202f686f6d652f757365722f646f63756d656e74732f66696c652d3030303039332e7478742c20736176656420696e20302e30303373');
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (E'\\x00000001808080808080808080808001', E'\\x00000001808080808080808080808001', 'backup', 'queued', 'none', '', 'manual', E'\\x00000001808080808080808080808001', E'\\x00000001808080808080808080808001', E'\\x00000002808080808080808080808002', '1795316461000', '1795317001000', '1795316401000', NULL, NULL, NULL, NULL, '0', NULL, '0', '0', '0', '0', 'false', '0', NULL, 'false', NULL, '{"dry_run":true}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (E'\\x00000002808080808080808080808002', E'\\x00000002808080808080808080808002', 'backup', 'dispatched', 'none', '', 'manual', E'\\x00000001808080808080808080808001', E'\\x00000000808080808080808080808000', E'\\x00000001808080808080808080808001', '1795316462000', '1795317002000', '1795316402000', '1795316404000', NULL, NULL, '1795316402000', '1', NULL, '0', '0', '0', '0', 'false', '0', NULL, 'false', NULL, '{}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (E'\\x00000003808080808080808080808003', E'\\x00000001808080808080808080808001', 'backup', 'running', 'none', '', 'manual', E'\\x00000001808080808080808080808001', E'\\x00000001808080808080808080808001', E'\\x00000002808080808080808080808002', '1795316463000', '1795317003000', '1795316403000', NULL, '1795316407000', NULL, NULL, '0', NULL, '364', '5', '290', '359', 'false', '370', NULL, 'false', 'restic backup', '{"dry_run":true}', NULL, NULL, NULL, NULL);
INSERT INTO jobs (id, host, kind, state, cause, detail, asked_by, requested_by, source_group, repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt, statistics, log_last_sequence, log_lines, log_bytes, log_missing, log_discarded, log_pending, exit_code, lock_left, command, options, schedule, slot, slot_last, slots) VALUES (E'\\x00000004808080808080808080808004', E'\\x00000002808080808080808080808002', 'backup', 'running', 'none', '', 'manual', E'\\x00000001808080808080808080808001', E'\\x00000000808080808080808080808000', E'\\x00000001808080808080808080808001', '1795316464000', '1795317004000', '1795316404000', NULL, '1795316400000', NULL, NULL, '0', NULL, '93', '14', '812', '79', 'false', '1036', NULL, 'false', 'restic backup', '{}', NULL, NULL, NULL, NULL);
INSERT INTO leases (job, repository, host, kind, mode, state, expires, lost) VALUES (E'\\x00000003808080808080808080808003', E'\\x00000002808080808080808080808002', E'\\x00000000808080808080808080808000', 'backup', 'exclusive', 'waits-for-repository', '1795316401000', NULL);
INSERT INTO maintenance (id, scope, starts, ends, reason, created, created_by) VALUES (E'\\x00000002808080808080808080808002', '{"kind":"tags","tags":["rack-1"]}', '1795316405000', '1795316407000', 'reason 2', '1795316402000', E'\\x00000001808080808080808080808001');
INSERT INTO notices (id, alert, event, moment) VALUES (E'\\x00000003808080808080808080808003', E'\\x00000001808080808080808080808001', 'raised', '1795316403000');
INSERT INTO replies (actor, request_key, fingerprint, status, body, created, expires) VALUES ('user-1', 'key-0', E'\\x0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', '201', E'\\x0a', '1795316402000', '1795316404000');
INSERT INTO replies (actor, request_key, fingerprint, status, body, created, expires) VALUES ('user-2', 'key-2', E'\\x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', '201', E'\\x0b', '1795316403000', '1795316405000');
INSERT INTO repositories (id, name, name_key, location, backend, password, password_set, created, version, deleted, runner, parallel) VALUES (E'\\x00000001808080808080808080808001', 'Repository 1', 'repository 1', 'rest:https://backup.example/', 'rest', E'\\x01', '1795316401000', '1795316401000', '2', NULL, NULL, NULL);
INSERT INTO repositories (id, name, name_key, location, backend, password, password_set, created, version, deleted, runner, parallel) VALUES (E'\\x00000002808080808080808080808002', 'Repository 2', 'repository 2', 'rest:https://backup.example/', 'rest', E'\\x020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202', '1795316402000', '1795316402000', '2', NULL, E'\\x00000001808080808080808080808001', '3');
INSERT INTO routes (id, place, name, rule, created, version) VALUES (E'\\x00000000808080808080808080808000', '0', 'route 0', '{"matcher":{"severity":"info","kinds":[],"scope":{"kind":"tags","tags":["rack-1"]},"repositories":[]},"channels":["00000000-8080-8080-8080-808080808000"],"timing":"daily","resolved":true,"reminders":false,"goes_on":true,"quiet":null,"zone":"UTC","digest_at":"07:00"}', '1795316400000', '1');
INSERT INTO schema_migrations (number, name) VALUES ('1', 'foundation');
INSERT INTO schema_migrations (number, name) VALUES ('10', 'plans');
INSERT INTO schema_migrations (number, name) VALUES ('11', 'factors');
INSERT INTO schema_migrations (number, name) VALUES ('12', 'upkeep');
INSERT INTO schema_migrations (number, name) VALUES ('13', 'trust');
INSERT INTO schema_migrations (number, name) VALUES ('14', 'group_standings');
INSERT INTO schema_migrations (number, name) VALUES ('15', 'api_token_scopes');
INSERT INTO schema_migrations (number, name) VALUES ('16', 'measurements');
INSERT INTO schema_migrations (number, name) VALUES ('17', 'previews');
INSERT INTO schema_migrations (number, name) VALUES ('18', 'hooks');
INSERT INTO schema_migrations (number, name) VALUES ('19', 'backups');
INSERT INTO schema_migrations (number, name) VALUES ('2', 'schedules');
INSERT INTO schema_migrations (number, name) VALUES ('20', 'maintenance');
INSERT INTO schema_migrations (number, name) VALUES ('22', 'freezes');
INSERT INTO schema_migrations (number, name) VALUES ('24', 'notifications');
INSERT INTO schema_migrations (number, name) VALUES ('25', 'alert_lifecycle');
INSERT INTO schema_migrations (number, name) VALUES ('27', 'failing');
INSERT INTO schema_migrations (number, name) VALUES ('28', 'places');
INSERT INTO schema_migrations (number, name) VALUES ('29', 'newest');
INSERT INTO schema_migrations (number, name) VALUES ('3', 'alerts');
INSERT INTO schema_migrations (number, name) VALUES ('32', 'expiring_tokens');
INSERT INTO schema_migrations (number, name) VALUES ('33', 'reminders');
INSERT INTO schema_migrations (number, name) VALUES ('4', 'scopes');
INSERT INTO schema_migrations (number, name) VALUES ('5', 'retention');
INSERT INTO schema_migrations (number, name) VALUES ('6', 'session_proof');
INSERT INTO schema_migrations (number, name) VALUES ('7', 'audit_proof');
INSERT INTO schema_migrations (number, name) VALUES ('8', 'agent_tokens');
INSERT INTO schema_migrations (number, name) VALUES ('9', 'people');
INSERT INTO sessions (id, family, user_id, token, created, last_seen, idle_expires, expires, address, user_agent, replaced_by, proved, started, confirmed) VALUES (E'\\x00000004808080808080808080808004', E'\\x00000004808080808080808080808004', E'\\x00000001808080808080808080808001', E'\\x0000000407070707070707070707070707070707070707070707070707070707', '1795316404000', '1795316404000', '1795316504000', '1795317404000', '192.0.2.7', NULL, NULL, '1795316404000', '1795316404000', '1795316404000');
INSERT INTO silences (id, matcher, starts, ends, reason, created, created_by) VALUES (E'\\x00000001808080808080808080808001', '{"severity":"warning","kinds":[],"scope":{"kind":"all"},"repositories":[]}', '1795316405000', '1795316407000', 'reason 1', '1795316401000', E'\\x00000001808080808080808080808001');
INSERT INTO silences (id, matcher, starts, ends, reason, created, created_by) VALUES (E'\\x00000002808080808080808080808002', '{"severity":"warning","kinds":[],"scope":{"kind":"all"},"repositories":[]}', '1795316401000', '1795316402000', 'reason 2', '1795316402000', E'\\x00000001808080808080808080808001');
INSERT INTO source_groups (id, host, name, name_key, includes, excludes, tag, repository, options, created, version, retention, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, command, reads_since) VALUES (E'\\x00000001808080808080808080808001', E'\\x00000001808080808080808080808001', 'Group 1', 'group 1', '["/home"]', '["*.tmp"]', 'group-1', E'\\x00000001808080808080808080808001', '{"one_file_system":true}', '1795316401000', '1', '{"daily":1}', NULL, NULL, NULL, NULL, NULL, NULL, '0');
INSERT INTO source_groups (id, host, name, name_key, includes, excludes, tag, repository, options, created, version, retention, last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, command, reads_since) VALUES (E'\\x00000002808080808080808080808002', E'\\x00000002808080808080808080808002', 'Group 2', 'group 2', '["/home"]', '["*.tmp"]', 'group-2', E'\\x00000001808080808080808080808001', '{"one_file_system":true}', '1795316402000', '1', '{"daily":2}', NULL, NULL, NULL, NULL, NULL, NULL, '0');
INSERT INTO spent (what, expires) VALUES (E'\\x0000000007070707070707070707070707070707070707070707070707070707', '1795316403000');
INSERT INTO upkeep (repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, part, parts) VALUES (E'\\x00000001808080808080808080808001', 'forget', '24', '1795316404000', '1795316400000', NULL, '0', E'\\x00000000808080808080808080808000', NULL, NULL, '1', '20');
INSERT INTO upkeep (repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, part, parts) VALUES (E'\\x00000002808080808080808080808002', 'check', '24', '1795316405000', '1795316400000', NULL, '2', E'\\x00000003808080808080808080808003', NULL, NULL, '1', '20');
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (E'\\x00000000808080808080808080808000', 'User 0', 'user 0', 'admin', '$argon2id$hash 0', 'false', '1795316400000', '1', '{"kind":"all"}', '1795316400000', NULL);
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (E'\\x00000001808080808080808080808001', 'User 1', 'user 1', 'operator', '$argon2id$hash 1', 'false', '1795316401000', '1', '{"kind":"all"}', '1795316401000', NULL);
INSERT INTO users (id, name, name_key, role, password, disabled, created, version, scope, password_set, last_login) VALUES (E'\\x00000002808080808080808080808002', 'User 2', 'user 2', 'operator', '$argon2id$hash 2', 'false', '1795316402000', '1', '{"kind":"all"}', '1795316402000', NULL);
