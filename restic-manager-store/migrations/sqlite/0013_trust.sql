-- Hosts that announced themselves and wait for an admin, and what was decided on them lately.
CREATE TABLE pending_hosts (
    id BLOB NOT NULL PRIMARY KEY,
    public_key BLOB NOT NULL UNIQUE,
    facts TEXT NOT NULL,
    address TEXT,
    network TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    looked_at INTEGER,
    state TEXT NOT NULL,
    host BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_hosts_state ON pending_hosts (state, id);
CREATE INDEX pending_hosts_expires ON pending_hosts (expires);

-- Removed hosts, for their own list.
CREATE INDEX hosts_deleted ON hosts (name_key, id) WHERE deleted IS NOT NULL;
