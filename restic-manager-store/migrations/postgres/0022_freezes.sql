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
