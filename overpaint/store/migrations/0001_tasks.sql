-- The task table, which is also the queue, and what stands around it.
-- Columns ending in _at are wall-clock unix milliseconds; lease_until and alive_until are milliseconds of the boot clock.

CREATE TABLE task (
    seq              INTEGER PRIMARY KEY,           -- the place in the queue; kept when an attempt is repeated
    id               TEXT NOT NULL UNIQUE,
    owner            TEXT NOT NULL,
    dialect          TEXT NOT NULL,
    checkpoint       TEXT NOT NULL,
    public_base      TEXT NOT NULL,
    request          TEXT NOT NULL,                 -- JSON of domain.EditRequest
    inputs           TEXT NOT NULL,                 -- JSON list of domain.InputPicture
    status           TEXT NOT NULL DEFAULT 'queued'
                     CHECK (status IN ('queued', 'processing', 'succeeded', 'failed', 'canceled')),
    version          INTEGER NOT NULL DEFAULT 1,
    attempt          INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,    -- attempts that count against the limit
    worker_id        TEXT,
    lease_until      INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    step             INTEGER NOT NULL DEFAULT 0,
    outputs          TEXT NOT NULL DEFAULT '[]',    -- JSON list of domain.OutputPicture
    timings          TEXT,                          -- JSON of domain.Timings
    usage            TEXT,                          -- JSON of domain.Usage
    error_code       TEXT,
    error_text       TEXT,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    expires_at       INTEGER,
    is_expired       INTEGER NOT NULL DEFAULT 0,
    CHECK ((status = 'processing') = (lease_until IS NOT NULL AND worker_id IS NOT NULL)),
    CHECK ((status IN ('succeeded', 'failed', 'canceled')) = (finished_at IS NOT NULL))
) STRICT;

CREATE INDEX task_queued ON task (seq) WHERE status = 'queued';
CREATE INDEX task_processing ON task (seq) WHERE status = 'processing';
CREATE INDEX task_expiring ON task (expires_at) WHERE expires_at IS NOT NULL AND is_expired = 0;
CREATE INDEX task_finished ON task (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE attempt (
    task_id    TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    worker_id  TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    outcome    TEXT NOT NULL DEFAULT 'running'
               CHECK (outcome IN ('running', 'succeeded', 'failed', 'lost', 'released', 'canceled')),
    error      TEXT,
    PRIMARY KEY (task_id, number)
) STRICT, WITHOUT ROWID;

-- Pictures small enough to be made durable by the submit's own commit; the others are files in the blob store.
CREATE TABLE small_input (
    name  TEXT NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE worker (
    id               TEXT NOT NULL PRIMARY KEY,
    pid              INTEGER NOT NULL,
    device           TEXT NOT NULL,
    checkpoint       TEXT NOT NULL,
    state            TEXT NOT NULL,
    loading_percent  INTEGER NOT NULL,
    seconds_per_step REAL,
    alive_until      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    id         TEXT NOT NULL PRIMARY KEY,
    owner      TEXT NOT NULL,
    label      TEXT NOT NULL,
    sha256     TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- boot_id: the boot that the leases belong to; probed_at: the last trial write.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
