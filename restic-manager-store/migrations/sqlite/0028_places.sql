-- Where each repository was seen ready. What is missing there afterwards is a loss, and nobody makes it.
CREATE TABLE repository_places (
    repository BLOB NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    location TEXT NOT NULL,
    PRIMARY KEY (repository, location)
) STRICT, WITHOUT ROWID;
INSERT INTO repository_places (repository, location)
    SELECT DISTINCT attachments.repository, COALESCE(attachments.location, repositories.location)
    FROM attachments JOIN repositories ON repositories.id = attachments.repository
    WHERE NOT attachments.needs_check AND (attachments.state = 'ready' OR attachments.listed IS NOT NULL);
