-- What the delivery policy has to remember over a restart: of subscribers, whether they fail or are held back; of
-- deliveries, whose turn it is, what was replayed, and why a dead one is dead.

-- Whoever is paused or disabled is held back by this one row, as whoever is absent is: no delivery of it changes.
ALTER TABLE subscriber ADD COLUMN paused_since_ms INTEGER;   -- an operator wants it so
ALTER TABLE subscriber ADD COLUMN disabled_since_ms INTEGER; -- it has failed for too long
-- Since when nothing has succeeded, and how often it has failed since then: no further than anybody asks.
ALTER TABLE subscriber ADD COLUMN failing_since_ms INTEGER;
ALTER TABLE subscriber ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- Since when it has answered nothing but 410.
ALTER TABLE subscriber ADD COLUMN gone_since_ms INTEGER;

-- Whether it was attempted or replayed before: first tries and others have shares of their own.
ALTER TABLE delivery ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
-- How many of its attempts use up none of its schedule: those that failed through no fault of the event's or of its
-- subscriber's, those while its endpoint was down, and those before it was replayed.
ALTER TABLE delivery ADD COLUMN uncounted INTEGER NOT NULL DEFAULT 0;
-- When it was replayed, 0 if it was not: it waits since then. And where to, if not to its subscriber's own URL.
ALTER TABLE delivery ADD COLUMN replay INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN replay_url TEXT;
-- Since when it is dead; and why, unless its last attempt tells: 0 the backlog was full, 1 it had waited for too long, 2 its
-- subscriber was absent for too long.
ALTER TABLE delivery ADD COLUMN dead_since_ms INTEGER;
ALTER TABLE delivery ADD COLUMN dead_why INTEGER;
UPDATE delivery SET dead_since_ms = coalesce(
    (SELECT max(at_ms + took_ms) FROM attempt
        WHERE attempt.event = delivery.event AND attempt.subscriber = delivery.subscriber), 0)
WHERE outcome = 2;

-- A delivery that was set aside, since it alone failed, is in a lane of its own: all bits of its conversation's lane are
-- turned over, so it is negative, and found by whoever comes after it.

-- As before, with first tries and others apart, so that each are found however many there are of the other.
DROP INDEX delivery_by_time;
CREATE INDEX delivery_by_time ON delivery (subscriber, again, ready_at_ms, event, leased) WHERE ready_at_ms IS NOT NULL;

-- What an event carries: removed long before the rest of it. In rows of its own, since a row that shrinks leaves a hole that
-- nobody ever fills, as new rows come at the end; where neighbours are deleted, whole pages become free for anything. So the
-- rows of events are short, too, for those that look through many. Written and removed with them alone, hence no REFERENCES.
CREATE TABLE payload (
    event    INTEGER PRIMARY KEY,
    text     TEXT,
    envelope TEXT NOT NULL,
    data     TEXT NOT NULL
) STRICT;

INSERT INTO payload (event, text, envelope, data) SELECT seq, text, envelope, data FROM event;
ALTER TABLE event DROP COLUMN text;
ALTER TABLE event DROP COLUMN envelope;
ALTER TABLE event DROP COLUMN data;
