-- Making: what a worker does with a task, each write fenced by (task, attempt, worker).

-- name: claim
-- Gives a queued task to a worker under a new lease.
UPDATE task
   SET status = 'processing', version = version + 1, attempt = attempt + 1, worker_id = :worker_id,
       lease_until = :lease_until, step = 0, started_at = coalesce(started_at, :now), charge = :stride
 WHERE seq = :seq
RETURNING *;

-- name: begin_attempt
-- Opens the line of this try.
INSERT INTO attempt (task_id, number, worker_id, started_at) VALUES (:task_id, :number, :worker_id, :now);

-- name: beat
-- Renews a lease that has not run out, reports the step and answers whether to stop.
UPDATE task
   SET lease_until = :lease_until, version = version + (:step > step), step = max(step, :step)
 WHERE id = :id AND attempt = :attempt AND worker_id = :worker_id AND status = 'processing' AND lease_until > :boot_now
RETURNING cancel_requested;

-- name: held
-- The task, if this claim still holds it. The lease may have run out: while nobody took the task, the work is good.
SELECT * FROM task WHERE id = :id AND attempt = :attempt AND worker_id = :worker_id AND status = 'processing';

-- name: requeue
-- Puts a task back at its old place in the queue.
UPDATE task
   SET status = 'queued', version = version + 1, failures = :failures, worker_id = NULL, lease_until = NULL, step = 0
 WHERE seq = :seq;

-- name: end_task
-- Brings a task to its end.
UPDATE task
   SET status = :status, version = version + 1, failures = :failures, worker_id = NULL, lease_until = NULL,
       step = coalesce(:step, step), outputs = :outputs, timings = :timings, usage = :usage,
       error_code = :error_code, error_text = :error_text, finished_at = :now, expires_at = :expires_at
 WHERE seq = :seq;

-- name: end_attempt
-- Closes the line of a try; never before it began, though the wall clock may have been set back.
UPDATE attempt SET ended_at = max(:now, started_at), outcome = :outcome, error = :error
 WHERE task_id = :task_id AND number = :number;

-- name: outcome_of_attempt
-- How a worker's own try ended.
SELECT outcome FROM attempt WHERE task_id = :task_id AND number = :number AND worker_id = :worker_id;
