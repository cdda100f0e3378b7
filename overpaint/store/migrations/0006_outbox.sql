-- Who is told when a task ends, and what came of it. `due_at` is a date, because the schedule outlives boots.

CREATE TABLE outbox (
    task_id TEXT NOT NULL PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
    owner   TEXT NOT NULL,
    url     TEXT NOT NULL,
    host    TEXT NOT NULL,                  -- name and port
    state   TEXT NOT NULL DEFAULT 'waiting' -- for the task's end
            CHECK (state IN ('waiting', 'pending', 'delivered', 'failed', 'gone')),
    due_at  INTEGER,                        -- of the next try; while somebody tries: when he counts as dead
    tries   INTEGER NOT NULL DEFAULT 0,     -- since the task's end, or since somebody asked for another delivery
    CHECK ((state = 'pending') = (due_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_due ON outbox (due_at, host, owner) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_gone ON outbox (owner, url) WHERE state = 'gone';

-- In the transaction of the end, whichever way a task comes to it. A URL whose receiver said 410 hears no more.
CREATE TRIGGER task_ended AFTER UPDATE OF status ON task
WHEN NEW.finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM outbox WHERE task_id = NEW.id AND state = 'waiting')
BEGIN
    UPDATE outbox SET state = 'pending', due_at = NEW.finished_at WHERE task_id = NEW.id;
    UPDATE outbox SET state = 'gone', due_at = NULL
     WHERE task_id = NEW.id AND EXISTS (
        SELECT 1 FROM outbox AS other
         WHERE other.owner = outbox.owner AND other.url = outbox.url AND other.state = 'gone');
END;

CREATE TABLE delivery (
    task_id TEXT NOT NULL REFERENCES outbox (task_id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    status  INTEGER,                        -- of HTTP
    error   TEXT,
    ms      INTEGER NOT NULL,
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

-- Secrets are worked out from the data folder's root secret, the owner and this number; no row: 1.
CREATE TABLE webhook_secret (
    owner      TEXT NOT NULL PRIMARY KEY,
    number     INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
