-- Telling: messages that a task has ended. They become due by the trigger `task_ended`, in the transaction of the end.

-- name: put_webhook
-- Remembers whom to tell.
INSERT INTO outbox (task_id, owner, url, host) VALUES (:id, :owner, :url, :host);

-- name: is_any_message_due
-- Whether taking one is worth a transaction.
SELECT EXISTS (SELECT 1 FROM outbox WHERE due_at <= :now);

-- name: take_message
-- Gives out the longest due message whose host and owner are not busy; nobody else gets it before `held_until`.
UPDATE outbox SET due_at = :held_until
 WHERE task_id = (SELECT task_id FROM outbox
                   WHERE due_at <= :now
                     AND host NOT IN (SELECT value FROM json_each(:hosts))
                     AND owner NOT IN (SELECT value FROM json_each(:owners))
                   ORDER BY due_at LIMIT 1)
RETURNING task_id, url, host, tries;

-- name: settle_message
-- What a try led to, unless the message was given to somebody else since.
UPDATE outbox SET state = :state, due_at = :due_at, tries = tries + 1
 WHERE task_id = :task_id AND due_at = :held_until;

-- name: log_delivery
-- One line a try.
INSERT INTO delivery (task_id, number, at, status, error, ms)
SELECT :task_id, 1 + coalesce(max(number), 0), :at, :status, :error, :ms FROM delivery WHERE task_id = :task_id;

-- name: block_url
-- What else was to be sent to a receiver that said 410.
UPDATE outbox SET state = 'gone', due_at = NULL WHERE owner = :owner AND url = :url AND state = 'pending';

-- name: redeliver
-- Makes a message due now, with a whole schedule before it.
UPDATE outbox SET state = 'pending', due_at = :now, tries = 0 WHERE task_id = :task_id AND state <> 'waiting'
RETURNING owner, url;

-- name: unblock_url
-- Whoever asks for a message believes in its receiver again.
UPDATE outbox SET state = 'failed' WHERE owner = :owner AND url = :url AND state = 'gone';

-- name: messages
-- The newest messages.
SELECT task_id, owner, url, state, due_at FROM outbox
 WHERE state = coalesce(:state, state) AND state <> 'waiting' AND task_id = coalesce(:task_id, task_id)
 ORDER BY task_id DESC LIMIT :limit;

-- name: deliveries
-- All tries at one message, oldest first.
SELECT at, status, error, ms FROM delivery WHERE task_id = :task_id ORDER BY number;

-- name: undelivered
-- How many messages have a try before them.
SELECT count(*) FROM outbox WHERE due_at IS NOT NULL;

-- name: webhook_secret
-- Which secret of an owner is in force, and since when.
SELECT number, rotated_at FROM webhook_secret WHERE owner = :owner;

-- name: rotate_webhook_secret
-- The next one; the first rotation leads from 1 to 2.
INSERT INTO webhook_secret (owner, number, rotated_at) VALUES (:owner, 2, :now)
    ON CONFLICT (owner) DO UPDATE SET number = number + 1, rotated_at = excluded.rotated_at;
