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
