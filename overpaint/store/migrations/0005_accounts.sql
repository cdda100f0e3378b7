-- What the server, each owner and each limited key may do and have done; in an owner's account lies his lane.

CREATE TABLE account (
    owner          TEXT NOT NULL,                   -- '' = the whole server
    key_id         TEXT NOT NULL,                   -- '' = the owner, with all his keys
    per_minute     INTEGER,                         -- limits: NULL = the server's default, of a key none; 0 = none
    queued_max     INTEGER,
    running_max    INTEGER,
    pixels_per_day INTEGER,
    weight         REAL NOT NULL DEFAULT 1 CHECK (weight > 0),
    queued         INTEGER NOT NULL DEFAULT 0,      -- tasks now
    running        INTEGER NOT NULL DEFAULT 0,
    placed         INTEGER NOT NULL DEFAULT 0,      -- the last place given out in this lane
    full_at        INTEGER NOT NULL DEFAULT 0,      -- microseconds of the boot clock: all submits of a minute are free
    day            INTEGER NOT NULL DEFAULT 0,      -- days since 1970, UTC: the one that `pixels` were asked for on
    pixels         INTEGER NOT NULL DEFAULT 0,
    vtime          INTEGER NOT NULL DEFAULT 0,      -- microseconds of making, divided by the weight: least is next
    cost           INTEGER NOT NULL DEFAULT 1000000 CHECK (cost >= 0),  -- microseconds that an edit of his takes
    stride         INTEGER NOT NULL GENERATED ALWAYS AS (max(1, CAST(cost / weight AS INTEGER))) VIRTUAL,
    PRIMARY KEY (owner, key_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE task ADD COLUMN key_id TEXT NOT NULL DEFAULT '';     -- whose account it is counted in, beside its owner's
ALTER TABLE task ADD COLUMN place INTEGER NOT NULL DEFAULT 0;    -- in its owner's lane; kept when an attempt is repeated
ALTER TABLE task ADD COLUMN charge INTEGER NOT NULL DEFAULT 0;   -- by how much the running attempt moved the lane's vtime

UPDATE task SET place = seq WHERE status IN ('queued', 'processing');

INSERT INTO account (owner, key_id, queued, running, placed)
SELECT owner, '', sum(status = 'queued'), sum(status = 'processing'), max(seq) FROM task GROUP BY owner;

INSERT INTO account (owner, key_id, queued, running)
SELECT '', '', coalesce(sum(queued), 0), coalesce(sum(running), 0) FROM account;

DROP INDEX task_queued;
CREATE INDEX task_lane ON task (owner, place) WHERE status = 'queued';
CREATE INDEX account_turn ON account (vtime, owner) WHERE queued > 0 AND key_id = '' AND owner <> '';

-- Whoever moves a task, and however: the counts go with it.
CREATE TRIGGER task_moved AFTER UPDATE OF status ON task WHEN old.status <> new.status
BEGIN
    UPDATE account
       SET queued = queued + (new.status = 'queued') - (old.status = 'queued'),
           running = running + (new.status = 'processing') - (old.status = 'processing')
     WHERE owner IN ('', new.owner) AND key_id IN ('', new.key_id);
END;
