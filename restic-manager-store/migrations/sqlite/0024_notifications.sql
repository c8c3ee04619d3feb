-- Where notifications go. What is sealed are the secrets of the channel, together.
CREATE TABLE channels (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    secrets TEXT NOT NULL,
    sealed BLOB,
    enabled INTEGER NOT NULL,
    failing_since INTEGER,
    trouble TEXT,
    delivered INTEGER,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL
);

-- Which alerts are told through which channels, asked in the order of their places.
CREATE TABLE routes (
    id BLOB NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL
);
CREATE INDEX routes_place ON routes (place, id);

-- Times in which nobody is told of some alerts.
CREATE TABLE silences (
    id BLOB NOT NULL PRIMARY KEY,
    matcher TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created INTEGER NOT NULL,
    created_by BLOB NOT NULL
);
CREATE INDEX silences_ends ON silences (ends, id);

-- Changes of alerts that routes have yet to be asked about; written with the change itself.
CREATE TABLE notices (
    id BLOB NOT NULL PRIMARY KEY,
    alert BLOB NOT NULL,
    event TEXT NOT NULL,
    moment INTEGER NOT NULL
);

-- Messages on their way, and those that arrived or were given up. One that is over has no due.
CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY,
    channel BLOB NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    route BLOB,
    group_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    items TEXT NOT NULL,
    count INTEGER NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER,
    tried INTEGER,
    attempts INTEGER NOT NULL,
    answer TEXT,
    ended INTEGER
);
CREATE INDEX deliveries_group ON deliveries (channel, group_key, id);
CREATE INDEX deliveries_channel ON deliveries (channel, id);
CREATE INDEX deliveries_due ON deliveries (due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (channel, due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended, id) WHERE ended IS NOT NULL;
