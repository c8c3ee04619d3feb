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
