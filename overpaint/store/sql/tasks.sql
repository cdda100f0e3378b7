-- Asking: what the API process does with a task.

-- name: submit
-- Puts a task at the end of the queue, or inserts nothing when the queue is full (queue_max 0 = no limit).
INSERT INTO task (id, owner, dialect, checkpoint, public_base, request, inputs, created_at, origin)
SELECT :id, :owner, :dialect, :checkpoint, :public_base, :request, :inputs, :created_at, :origin
 WHERE :queue_max = 0 OR (SELECT count(*) FROM task WHERE status = 'queued') < :queue_max;

-- name: put_small_input
-- Keeps a small picture in the transaction of its task.
INSERT INTO input (name, length, bytes) VALUES (:name, length(:bytes), :bytes);

-- name: put_packed_input
-- Remembers where a picture lies.
INSERT INTO input (name, pack, at, length) VALUES (:name, :pack, :at, :length);

-- name: task
-- One task by its id.
SELECT * FROM task WHERE id = :id;

-- name: standing
-- What the owner of a task is told of it, its place in the queue included: 1 = next, 0 = not queued.
-- Counted among the first 32; behind them taken from the distance, which still counts edits canceled in between, for
-- polls come by the thousand and a count of 10,000 rows takes 0.3 ms.
SELECT id, checkpoint, request, status, attempt, step, outputs, error_code, error_text, expires_at, is_expired,
       CASE WHEN status <> 'queued' THEN 0 ELSE coalesce(
           (SELECT 32 + task.seq - ahead.seq FROM task AS ahead
             WHERE ahead.status = 'queued' AND ahead.seq <= task.seq ORDER BY ahead.seq LIMIT 1 OFFSET 31),
           (SELECT count(*) FROM task AS ahead WHERE ahead.status = 'queued' AND ahead.seq <= task.seq)) END
  FROM task WHERE id = :id AND owner = :owner;

-- name: input
-- One input picture: its bytes, or its place.
SELECT bytes, pack, at, length FROM input WHERE name = :name;

-- name: attempts
-- All tries at one task, oldest first.
SELECT * FROM attempt WHERE task_id = :task_id ORDER BY number;

-- name: cancel_queued
-- Ends a task that nobody has begun, or that went back to the queue.
UPDATE task
   SET status = 'canceled', version = version + 1, error_code = :error_code, error_text = :error_text,
       finished_at = :now, expires_at = :expires_at
 WHERE id = :id AND owner = :owner AND status = 'queued'
RETURNING checkpoint;

-- name: ask_to_cancel
-- Tells the worker, at its next heartbeat, that the result is no longer wanted.
UPDATE task SET cancel_requested = 1, version = version + 1
 WHERE id = :id AND owner = :owner AND status = 'processing' AND cancel_requested = 0;

-- name: stats
-- Counts for health, metrics and estimates.
SELECT (SELECT count(*) FROM task WHERE status = 'queued'),
       (SELECT count(*) FROM task WHERE status = 'processing'),
       (SELECT created_at FROM task WHERE status = 'queued' ORDER BY seq LIMIT 1);
