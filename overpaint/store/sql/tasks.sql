-- Asking: what the API process does with a task.

-- name: submit
-- Puts a task at the end of its owner's lane.
INSERT INTO task (id, owner, dialect, checkpoint, public_base, request, inputs, created_at, origin, key_id, place)
VALUES (:id, :owner, :dialect, :checkpoint, :public_base, :request, :inputs, :created_at, :origin, :key_id, :place);

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
-- In its own lane it is counted among the first 16; behind them taken from the distance, which still counts edits
-- canceled in between, for polls come by the thousand. Of the other lanes the turns are counted that come before its
-- own, in the first 32; those behind are taken to be like these.
SELECT id, checkpoint, request, status, attempt, step, outputs, error_code, error_text, expires_at, is_expired,
       CASE WHEN status <> 'queued' THEN 0 ELSE (
           SELECT line.place + CASE WHEN NOT EXISTS (
                      SELECT 1 FROM account AS lane
                       WHERE queued > 0 AND key_id = '' AND owner <> '' AND owner <> task.owner) THEN 0 ELSE (
                  SELECT coalesce((
                             SELECT sum(min(other.queued, (own.turn + (other.owner < task.owner) - other.vtime
                                                           + other.stride - 1) / other.stride))
                                    * CASE count(*) WHEN 32 THEN (SELECT queued - own.queued FROM account
                                                                   WHERE owner = '' AND key_id = '')
                                                    ELSE sum(other.queued) END
                                    / sum(other.queued)
                               FROM (SELECT owner, queued, stride, max(vtime, (SELECT vtime FROM account
                                                                                WHERE owner = '' AND key_id = '')) AS vtime
                                       FROM account AS lane
                                      WHERE queued > 0 AND key_id = '' AND owner <> '' AND lane.vtime <= own.turn
                                        AND owner <> task.owner
                                      ORDER BY lane.vtime LIMIT 32) AS other), 0)
                    FROM (SELECT queued, vtime + (line.place - 1) * stride AS turn FROM account AS lane
                           WHERE lane.owner = task.owner AND key_id = '' LIMIT 1) AS own) END
             FROM (SELECT coalesce(
                       (SELECT 16 + task.place - ahead.place FROM task AS ahead
                         WHERE ahead.status = 'queued' AND ahead.owner = task.owner
                           AND ahead.place <= task.place ORDER BY ahead.place LIMIT 1 OFFSET 15),
                       (SELECT count(*) FROM task AS ahead
                         WHERE ahead.status = 'queued' AND ahead.owner = task.owner
                           AND ahead.place <= task.place)) AS place LIMIT 1) AS line) END
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
SELECT queued, running,
       (SELECT min((SELECT created_at FROM task WHERE status = 'queued' AND task.owner = lane.owner ORDER BY place LIMIT 1))
          FROM account AS lane WHERE lane.queued > 0 AND lane.key_id = '' AND lane.owner <> '')
  FROM account WHERE owner = '' AND key_id = '';
