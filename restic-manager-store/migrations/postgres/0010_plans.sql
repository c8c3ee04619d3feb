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
