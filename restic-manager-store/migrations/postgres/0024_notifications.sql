-- Where notifications go. What is sealed are the secrets of the channel, together.
CREATE TABLE channels (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    secrets TEXT NOT NULL,
    sealed BYTEA,
    enabled BOOLEAN NOT NULL,
    failing_since BIGINT,
    trouble TEXT,
    delivered BIGINT,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Which alerts are told through which channels, asked in the order of their places.
CREATE TABLE routes (
    id BYTEA NOT NULL PRIMARY KEY,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    rule TEXT NOT NULL,
    created BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX routes_place ON routes (place, id);

-- Times in which nobody is told of some alerts.
CREATE TABLE silences (
    id BYTEA NOT NULL PRIMARY KEY,
    matcher TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by BYTEA NOT NULL
);
CREATE INDEX silences_ends ON silences (ends, id);

-- Changes of alerts that routes have yet to be asked about; written with the change itself.
CREATE TABLE notices (
    id BYTEA NOT NULL PRIMARY KEY,
    alert BYTEA NOT NULL,
    event TEXT NOT NULL,
    moment BIGINT NOT NULL
);

-- Messages on their way, and those that arrived or were given up. One that is over has no due.
CREATE TABLE deliveries (
    id BYTEA NOT NULL PRIMARY KEY,
    channel BYTEA NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    route BYTEA,
    group_key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    items TEXT NOT NULL,
    count BIGINT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT,
    tried BIGINT,
    attempts BIGINT NOT NULL,
    answer TEXT,
    ended BIGINT
);
CREATE INDEX deliveries_group ON deliveries (channel, group_key, id);
CREATE INDEX deliveries_channel ON deliveries (channel, id);
CREATE INDEX deliveries_due ON deliveries (due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (channel, due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (ended, id) WHERE ended IS NOT NULL;
