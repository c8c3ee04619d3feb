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
