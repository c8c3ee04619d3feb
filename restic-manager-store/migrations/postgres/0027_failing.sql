-- Hosts whose backups fail are few, and are asked for by name.
CREATE INDEX hosts_failing ON hosts (name_key, id)
    WHERE deleted IS NULL AND COALESCE(worst_backup_state, '') IN ('failed', 'incomplete');
