-- Who works here, who may ask, what was counted, and what the file says of itself.

-- name: put_worker
-- Inserts or renews a worker's line.
INSERT INTO worker (id, pid, device, checkpoint, state, loading_percent, seconds_per_step, max_pixels, alive_until)
VALUES (:id, :pid, :device, :checkpoint, :state, :loading_percent, :seconds_per_step, :max_pixels, :alive_until)
    ON CONFLICT (id) DO UPDATE
   SET state = excluded.state, loading_percent = excluded.loading_percent,
       seconds_per_step = excluded.seconds_per_step, max_pixels = excluded.max_pixels, alive_until = excluded.alive_until;

-- name: remove_worker
-- Takes out the line of a worker that left.
DELETE FROM worker WHERE id = :id;

-- name: remove_silent_workers
-- Takes out the lines of workers that died.
DELETE FROM worker WHERE alive_until <= :boot_now;

-- name: remove_all_workers
-- Takes out every line: they are of an earlier run of the server.
DELETE FROM worker;

-- name: workers
-- The workers heard of within a lease.
SELECT id, pid, device, checkpoint, state, loading_percent, seconds_per_step, max_pixels
  FROM worker WHERE alive_until > :boot_now ORDER BY id;

-- name: put_key
-- Inserts a key, or replaces the one of the same id.
INSERT OR REPLACE INTO api_key (id, owner, label, sha256, scopes, created_at, expires_at, used_at, revoked_at)
VALUES (:id, :owner, :label, :sha256, :scopes, :created_at, :expires_at, :used_at, :revoked_at);

-- name: key_by_hash
-- The key whose secret has this hash, revoked and expired ones too.
SELECT id, owner, label, sha256, scopes, created_at, expires_at, used_at, revoked_at
  FROM api_key WHERE sha256 = :sha256;

-- name: keys
-- All keys, oldest first.
SELECT id, owner, label, sha256, scopes, created_at, expires_at, used_at, revoked_at
  FROM api_key ORDER BY created_at, id;

-- name: revoke_key
-- Marks a key as no longer valid; the first time it was revoked stays.
UPDATE api_key SET revoked_at = coalesce(revoked_at, :now) WHERE id = :id;

-- name: end_key
-- Has a valid key expire, unless it does so earlier by itself.
UPDATE api_key SET expires_at = min(coalesce(expires_at, :ends_at), :ends_at)
 WHERE id = :id AND revoked_at IS NULL AND coalesce(expires_at > :now, 1);

-- name: note_use_of_key
-- When a key was last used.
UPDATE api_key SET used_at = :now WHERE id = :id;

-- name: count
-- Adds to a counter, or to one bucket of a histogram.
INSERT INTO tally (name, labels, bucket, times, total) VALUES (:name, :labels, :bucket, :times, :total)
    ON CONFLICT (name, labels, bucket) DO UPDATE SET times = times + excluded.times, total = total + excluded.total;

-- name: tallies
-- All that was ever counted here.
SELECT name, labels, bucket, times, total FROM tally ORDER BY name, labels, bucket;

-- name: put_meta
-- Writes one fact about the file.
INSERT OR REPLACE INTO meta (name, value) VALUES (:name, :value);

-- name: meta
-- Reads one fact about the file.
SELECT value FROM meta WHERE name = :name;

-- name: data_version
-- Another number after every commit by another connection.
PRAGMA data_version;
