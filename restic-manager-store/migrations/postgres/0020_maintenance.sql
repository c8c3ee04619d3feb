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
