-- Events, and what becomes of each on its way to its subscribers.
--
-- The trees that grow with the log are written at their end: by order of acceptance, not by names or digests. Where that
-- cannot be (conversations, dedupe keys), an entry is as small as it can be. Every index is paid for with each event that
-- is accepted and delivered, so each says whom it serves.

-- Who gets events. Deliveries belong to the name, also while nobody has it: then the subscriber is absent, and all of its
-- deliveries are parked by this one row.
CREATE TABLE subscriber (
    key             INTEGER PRIMARY KEY,
    tenant          TEXT    NOT NULL,
    kind            INTEGER NOT NULL, -- 0 plugin, 1 webhook
    name            TEXT    NOT NULL,
    absent_since_ms INTEGER,
    revision        TEXT,             -- which version of it was tried last
    UNIQUE (tenant, kind, name)
) STRICT;

-- Where events come from: few, and in every row below, hence a number there.
CREATE TABLE source (
    key    INTEGER PRIMARY KEY,
    tenant TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- What happened. Small columns first, long texts last: whoever looks at the former does not read the latter.
--
-- AUTOINCREMENT, since a number must never come again, whatever was removed: deliveries and pages are named by it.
CREATE TABLE event (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT    NOT NULL UNIQUE,
    source         INTEGER NOT NULL REFERENCES source (key),
    accepted_at_ms INTEGER NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    sender         INTEGER NOT NULL, -- 0 contact, 1 operator, 2 bot, 3 system, 4 unknown
    lane           INTEGER,          -- a hash of source and conversation; NULL without a conversation
    dialect        TEXT    NOT NULL,
    instance       TEXT,
    kind           TEXT    NOT NULL,
    native_kind    TEXT    NOT NULL,
    conversation   TEXT,
    contact        TEXT,
    operator       TEXT,
    message        TEXT,
    text           TEXT,
    dedupe         BLOB,             -- the key by which it is known again
    envelope       TEXT    NOT NULL,
    data           TEXT    NOT NULL
) STRICT;

-- Lists the events of a source, and so of a tenant, newest first; tells their kind without their row.
CREATE INDEX event_by_source ON event (source, seq, kind);

-- Lists the events of a conversation. A conversation lies anywhere, and a page written anew for each event is the most
-- of its cost; so the log is cut into pieces of 4,096 events, of which only the newest is written: a dozen pages. Whoever
-- looks for a conversation looks into each piece.
CREATE INDEX event_by_lane ON event (seq >> 12, lane) WHERE lane IS NOT NULL;

-- An event on its way to a subscriber, in the order of acceptance. How it stands is told by three columns together, so
-- that each step of the way changes as few indexes as possible (SQLite writes all entries anew that name a changed
-- column):
--
--              outcome  ready_at_ms        leased
--   waiting    0        NULL               0
--   due        0        when it is due     0
--   leased     0        when that ends     1
--   succeeded  1        NULL               0
--   dead       2        NULL               0
CREATE TABLE delivery (
    event       INTEGER NOT NULL REFERENCES event (seq),
    subscriber  INTEGER NOT NULL REFERENCES subscriber (key),
    outcome     INTEGER NOT NULL,
    ready_at_ms INTEGER,
    leased      INTEGER NOT NULL,
    claims      INTEGER NOT NULL, -- how often it was claimed: whoever ends an attempt must name the last one
    attempts    INTEGER NOT NULL, -- how many have ended
    lane        INTEGER,          -- the event's
    PRIMARY KEY (event, subscriber)
) STRICT, WITHOUT ROWID;

-- What can be claimed, due first; holds no delivery that waits or is closed. With `leased`, all leases are found without
-- a look at the rows.
CREATE INDEX delivery_by_time ON delivery (subscriber, ready_at_ms, event, leased) WHERE ready_at_ms IS NOT NULL;

-- The open deliveries of a conversation: the first one is its head.
CREATE INDEX delivery_by_lane ON delivery (subscriber, lane, event) WHERE outcome = 0 AND lane IS NOT NULL;

-- Lists a subscriber's deliveries, newest first: the open ones, the dead ones, or all.
CREATE INDEX delivery_by_outcome ON delivery (subscriber, outcome, event);

-- How attempts ended.
CREATE TABLE attempt (
    event      INTEGER NOT NULL,
    subscriber INTEGER NOT NULL,
    number     INTEGER NOT NULL, -- 1 for the first
    at_ms      INTEGER NOT NULL,
    took_ms    INTEGER NOT NULL,
    fault      INTEGER,          -- 0 ours, 1 dns, 2 connect, 3 tls, 4 timeout, 5 theirs; NULL if it succeeded
    status     INTEGER,
    detail     TEXT    NOT NULL,
    answer     TEXT    NOT NULL,
    PRIMARY KEY (event, subscriber, number),
    FOREIGN KEY (event, subscriber) REFERENCES delivery (event, subscriber)
) STRICT, WITHOUT ROWID;

-- By what events are known again: a hash of source and key. The row of the event has the key itself. No index tells what
-- has expired: it is removed when a new row comes beside it.
CREATE TABLE dedupe (
    hash     INTEGER PRIMARY KEY,
    event    INTEGER NOT NULL, -- the last one with this hash; it may be gone
    until_ms INTEGER NOT NULL
) STRICT;
