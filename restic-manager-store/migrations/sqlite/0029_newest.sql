-- The newest snapshot of a host in a repository, so that a page about a repository asks for no snapshots.
ALTER TABLE attachments ADD COLUMN newest INTEGER;
UPDATE attachments SET newest = (SELECT MAX(time) FROM snapshots
    WHERE snapshots.host = attachments.host AND snapshots.repository = attachments.repository AND counted);
