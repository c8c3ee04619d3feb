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
