-- Timers, what each plugin keeps in sum, and how far an event is from what came from outside.

-- A timer that is set. Its row goes when it fires: then there is an event instead, on its way to the plugin.
--
-- Found by its name when it is set again or cancelled, hence no rowid. The payload stands last, for the reason for which
-- a value in `kv` does.
CREATE TABLE timer (
    tenant       TEXT    NOT NULL,
    plugin       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    due_at_ms    INTEGER NOT NULL,
    source       TEXT    NOT NULL, -- of the call that set it; so with the three that follow
    dialect      TEXT    NOT NULL,
    instance     TEXT,
    conversation TEXT,
    payload      TEXT    NOT NULL,
    PRIMARY KEY (tenant, plugin, key)
) STRICT, WITHOUT ROWID;

-- Finds what is due, and when the next one is.
CREATE INDEX timer_by_time ON timer (due_at_ms);

-- How many rows a plugin has for a tenant, and how large they are: counting them at each commit would take longer the
-- more there are. Whoever writes or removes a row changes the sums in the same transaction. What has expired counts for
-- as long as its row is there.
CREATE TABLE usage (
    tenant   TEXT    NOT NULL,
    plugin   TEXT    NOT NULL,
    kv_keys  INTEGER NOT NULL,
    kv_bytes INTEGER NOT NULL, -- keys and values, those of timers too
    timers   INTEGER NOT NULL,
    PRIMARY KEY (tenant, plugin)
) STRICT, WITHOUT ROWID;

INSERT INTO usage (tenant, plugin, kv_keys, kv_bytes, timers)
SELECT tenant, plugin, count(*), sum(octet_length(key) + octet_length(value)), 0 FROM kv GROUP BY tenant, plugin;

-- Tells how much of a plugin's sums has expired, and is asked before something is refused for them. With the length in it,
-- no look at the rows is needed. Only what expires pays for it.
CREATE INDEX kv_expiry_of_scope ON kv (tenant, plugin, expires_at_ms, octet_length(value))
WHERE expires_at_ms IS NOT NULL;

-- How many emissions of plugins an event is away from what came from outside. A new column stands behind the long texts,
-- but 0 and 1 are no bytes of their own in a row: hardly ever does anybody read through a text to get it.
ALTER TABLE event ADD COLUMN hops INTEGER NOT NULL DEFAULT 0;
