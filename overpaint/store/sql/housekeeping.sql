-- Housekeeping: lost leases and old pictures.

-- name: is_any_lease_lost
-- Whether a sweep has anything to do.
SELECT EXISTS (SELECT 1 FROM task WHERE status = 'processing' AND lease_until <= :boot_now)
    OR EXISTS (SELECT 1 FROM worker WHERE alive_until <= :boot_now);

-- name: lost_leases
-- Tasks whose worker has been silent for too long.
SELECT * FROM task WHERE status = 'processing' AND lease_until <= :boot_now ORDER BY seq LIMIT 500;

-- name: all_leases
-- Tasks in the hands of any worker.
SELECT * FROM task WHERE status = 'processing' ORDER BY seq;

-- name: is_anything_expired
-- Whether an expiry has anything to do.
SELECT EXISTS (SELECT 1 FROM task WHERE expires_at IS NOT NULL AND is_expired = 0 AND expires_at <= :now)
    OR EXISTS (SELECT 1 FROM task WHERE finished_at IS NOT NULL AND finished_at <= :record_limit
                  AND NOT EXISTS (SELECT 1 FROM outbox WHERE task_id = task.id AND state = 'pending'));

-- name: expire_pictures
-- Tasks whose pictures are past their time.
SELECT seq, inputs, outputs FROM task
 WHERE expires_at IS NOT NULL AND is_expired = 0 AND expires_at <= :now LIMIT :limit;

-- name: forget_pictures
-- Takes the pictures' names out of a task.
UPDATE task SET inputs = '[]', outputs = '[]', is_expired = 1, version = version + 1 WHERE seq = :seq;

-- name: old_records
-- Tasks that ended so long ago that they are forgotten, but not before it has been tried to tell of them.
SELECT seq, inputs, outputs FROM task
 WHERE finished_at IS NOT NULL AND finished_at <= :record_limit
   AND NOT EXISTS (SELECT 1 FROM outbox WHERE task_id = task.id AND state = 'pending') LIMIT :limit;

-- name: forget_task
-- Erases a task and, by their foreign keys, its attempts and what was told of it.
DELETE FROM task WHERE seq = :seq;

-- name: forget_input
-- Erases a small picture, or tells the place of one to erase.
DELETE FROM input WHERE name = :name RETURNING pack, at, length;

-- name: packs
-- The packs that hold pictures.
SELECT DISTINCT pack FROM input WHERE pack IS NOT NULL;
