-- A person without a password has yet to follow a setup link; until then the hash is of something nobody knows.
ALTER TABLE users ADD COLUMN password_set BIGINT;
ALTER TABLE users ADD COLUMN last_login BIGINT;
UPDATE users SET password_set = created;

-- When the family began, and when this token was first shown: a token that was never shown may never have arrived.
ALTER TABLE sessions ADD COLUMN started BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN confirmed BIGINT;
UPDATE sessions SET started = created, confirmed = created;

-- One per person at most.
CREATE TABLE setup_links (
    user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token BYTEA NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    created_by BYTEA,
    expires BIGINT NOT NULL
);
CREATE INDEX setup_links_expires ON setup_links (expires);

-- How much of an allowance is used up: the moment when it will be whole again. A whole one has no row.
CREATE TABLE limits (
    lane BYTEA NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);
CREATE INDEX limits_full_at ON limits (full_at);
