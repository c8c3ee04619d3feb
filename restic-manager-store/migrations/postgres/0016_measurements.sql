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
