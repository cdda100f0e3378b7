-- Accounts: what the server, each owner and each limited key may do, and whose turn it is.

-- name: accounts_of
-- The accounts that a submit passes: the server's, its owner's, and its key's if that one has limits of its own.
SELECT owner, key_id, per_minute, queued_max, pixels_per_day, queued, placed, full_at, day, pixels, vtime
  FROM account WHERE owner IN ('', :owner) AND key_id IN ('', :key_id) ORDER BY owner, key_id;

-- name: open_account
-- An owner's first submit: his edits are taken to cost what those of the others do.
INSERT OR IGNORE INTO account (owner, key_id, cost)
SELECT :owner, '', coalesce((SELECT CAST(avg(cost) AS INTEGER) FROM account WHERE key_id = '' AND owner <> ''), 1000000);

-- name: enter
-- Counts one more that waits. A lane that was empty stands no earlier than the turn in work: who was away saved no turns.
UPDATE account
   SET queued = queued + 1, placed = placed + 1, full_at = :full_at,
       pixels = CASE WHEN day = :today THEN pixels ELSE 0 END + :pixels, day = :today,
       vtime = CASE WHEN queued + running = 0 THEN max(vtime, :floor) ELSE vtime END
 WHERE owner = :owner AND key_id = :key_id;

-- name: next_in_turn
-- The oldest task of the lane that has had least, of those that may run one more; where that lane begins, and its step.
SELECT (SELECT seq FROM task
         WHERE status = 'queued' AND task.owner = lane.owner
           AND NOT EXISTS (SELECT 1 FROM account AS its_key
                            WHERE its_key.owner = task.owner AND its_key.key_id = task.key_id
                              AND its_key.key_id <> '' AND its_key.running_max BETWEEN 1 AND its_key.running)
         ORDER BY place LIMIT 1) AS oldest,
       owner, max(vtime, (SELECT vtime FROM account WHERE owner = '' AND key_id = '')) AS begins_at, stride
  FROM account AS lane
 WHERE queued > 0 AND key_id = '' AND owner <> ''
   AND coalesce(running_max, :running_max) NOT BETWEEN 1 AND running
   AND oldest IS NOT NULL
 ORDER BY lane.vtime, lane.owner LIMIT 1;

-- name: charge
-- The lane pays for its turn in advance; the server keeps where the turn began, before which nobody may stand.
UPDATE account SET vtime = max(vtime, :begins_at) + (owner <> '') * :stride
 WHERE key_id = '' AND owner IN ('', :owner);

-- name: settle
-- Puts what an attempt really took in the place of its charge; what the owner's edits cost follows what was measured.
UPDATE account
   SET vtime = max(vtime - :charge + CAST(:used / weight AS INTEGER),
                   (SELECT vtime FROM account WHERE owner = '' AND key_id = '')),
       cost = cost + :is_measured * (:used - cost) / 4
 WHERE owner = :owner AND key_id = '';

-- name: put_limits
-- Sets what an owner or a key may do. A new account counts what is already there.
INSERT INTO account (owner, key_id, per_minute, queued_max, running_max, pixels_per_day, weight, queued, running)
SELECT :owner, :key_id, :per_minute, :queued, :running, :pixels_per_day, :weight,
       (SELECT count(*) FROM task WHERE status = 'queued' AND owner = :owner AND :key_id IN ('', key_id)),
       (SELECT count(*) FROM task WHERE status = 'processing' AND owner = :owner AND :key_id IN ('', key_id))
 WHERE true
    ON CONFLICT (owner, key_id) DO UPDATE
   SET per_minute = excluded.per_minute, queued_max = excluded.queued_max, running_max = excluded.running_max,
       pixels_per_day = excluded.pixels_per_day, weight = excluded.weight;

-- name: hand_on_limits
-- A key in another's place has its limits.
INSERT INTO account (owner, key_id, per_minute, queued_max, running_max, pixels_per_day)
SELECT owner, :heir, per_minute, queued_max, running_max, pixels_per_day
  FROM account WHERE key_id = :id AND key_id <> '';

-- name: accounts
-- Every owner that ever sent something or has limits, and his keys that have some.
SELECT owner, key_id, per_minute, queued_max, running_max, pixels_per_day, weight, queued, running,
       CASE WHEN day = :today THEN pixels ELSE 0 END
  FROM account WHERE owner <> '' ORDER BY owner, key_id;
