-- Hosts that announced themselves and wait for an admin, and what was decided on them lately.
CREATE TABLE pending_hosts (
    id BYTEA NOT NULL PRIMARY KEY,
    public_key BYTEA NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    address TEXT,
    network TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    looked_at BIGINT,
    state TEXT NOT NULL,
    host BYTEA
);
CREATE INDEX pending_hosts_state ON pending_hosts (state, id);
CREATE INDEX pending_hosts_expires ON pending_hosts (expires);

-- Removed hosts, for their own list.
CREATE INDEX hosts_deleted ON hosts (name_key, id) WHERE deleted IS NOT NULL;
