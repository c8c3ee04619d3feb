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
