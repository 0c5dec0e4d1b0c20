-- What plugins remember: one value a key, for each plugin and tenant.
--
-- Without a rowid, the row lives in the tree of its key: one search finds it, one page is written. The value stands
-- last, so that a long one overflows to pages of its own, which a listing never touches.
CREATE TABLE kv (
    tenant        TEXT    NOT NULL,
    plugin        TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    expires_at_ms INTEGER,
    value         BLOB    NOT NULL,
    PRIMARY KEY (tenant, plugin, key)
) STRICT, WITHOUT ROWID;

-- Finds what has expired without looking at what stays.
CREATE INDEX kv_expiry ON kv (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- The version that was given out last. It stands in a row of its own, since the rows above come and go, and a version
-- must never come again.
CREATE TABLE kv_version (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO kv_version (only, last) VALUES (1, 0);
