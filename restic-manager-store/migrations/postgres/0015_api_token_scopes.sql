-- For which part of the fleet a token is, within its maker's. Those that were there before are for all of it.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '{"kind":"all"}';
