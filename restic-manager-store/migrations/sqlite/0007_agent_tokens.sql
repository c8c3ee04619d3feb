-- The token that an agent is offered in place of its own, the one that was revoked last, and since when its own is in
-- force; without that, another is wanted at once.
ALTER TABLE hosts ADD COLUMN next_token BLOB;
ALTER TABLE hosts ADD COLUMN last_token BLOB;
ALTER TABLE hosts ADD COLUMN token_since INTEGER;
UPDATE hosts SET token_since = enrolled;

-- The host whose record an invitation gives to a new agent.
ALTER TABLE enrolments ADD COLUMN take_over BLOB;
