#include "state/schema.hpp"

namespace mlops {
namespace {

constexpr const char* version_1 = R"(
-- A run that changed something, in which this identity took part. number is their order, whatever the clock said.
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,           -- UUIDv7; the same in the databases of all who took part
  kind TEXT NOT NULL,                -- apply, undo, prune
  playbook TEXT NOT NULL,            -- as it was called
  playbook_key TEXT NOT NULL,        -- what tells it from others
  starter TEXT NOT NULL,             -- the identity that started it
  version TEXT NOT NULL,             -- of the program
  process INTEGER NOT NULL,          -- whose it is while it is under way
  process_started INTEGER NOT NULL,  -- ticks since boot: a number is used again
  boot TEXT NOT NULL,
  started INTEGER NOT NULL,          -- microseconds since the epoch
  ended INTEGER,                     -- null: under way, or cut off
  outcome TEXT,                      -- done, failed, interrupted, cut off
  counts TEXT,                       -- an object: how many resources of each outcome
  undoes TEXT,                       -- the run that an undo takes back
  whole INTEGER NOT NULL DEFAULT 1   -- 0: what undoing needs is no longer kept
);
CREATE INDEX open_runs ON runs (number) WHERE outcome IS NULL;
CREATE TABLE participants (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  identity TEXT NOT NULL,
  PRIMARY KEY (run, identity)
) WITHOUT ROWID;

-- What was done for a resource. The identity that acts has all of it; in the starter's database, where that is
-- another, actions, before, after and changes are null.
CREATE TABLE steps (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,         -- the order within the run, over all identities
  resource TEXT NOT NULL,            -- its label
  type TEXT NOT NULL,
  identity TEXT NOT NULL,
  state INTEGER NOT NULL,            -- 0 begun, 1 done, 2 failed, 3 cut off, 4 cut off and healed since
  program INTEGER NOT NULL,          -- 1: a program runs, which leaves who knows what where it is cut off
  makes INTEGER NOT NULL,            -- 1: nothing of the resource was there before
  claims TEXT NOT NULL,              -- a list of things that the resource owns or edits: "path /etc/motd"
  reason TEXT,                       -- of a failure
  changes TEXT, actions TEXT,        -- lists
  before TEXT,                       -- a list: what each action replaces
  after TEXT,                        -- an object: things and their fingerprints, as left
  PRIMARY KEY (run, sequence)
);
CREATE INDEX unfinished ON steps (state) WHERE state IN (0, 3);
CREATE INDEX by_resource ON steps (resource, run);

-- Whom a resource that acted notifies, until it was delivered. In the starter's database.
CREATE TABLE notifications (
  playbook_key TEXT NOT NULL,
  target TEXT NOT NULL,              -- an id
  source TEXT NOT NULL,              -- a label
  run INTEGER NOT NULL,
  PRIMARY KEY (playbook_key, target, source)
) WITHOUT ROWID;

-- The content of what was replaced, by its SHA-256. Where content is null it is in the file of that name.
CREATE TABLE images (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  packed INTEGER NOT NULL,           -- 1: zstd
  content BLOB
);
CREATE TABLE image_uses (
  digest TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  PRIMARY KEY (digest, run)
) WITHOUT ROWID;

-- How this identity last left the things that it acted on.
CREATE TABLE things (
  thing TEXT PRIMARY KEY,            -- "path /etc/motd"
  fingerprint TEXT NOT NULL,
  run INTEGER NOT NULL,
  sequence INTEGER NOT NULL
) WITHOUT ROWID;

-- What playbooks made or found as they wish, in the starter's database.
CREATE TABLE ledger (
  playbook_key TEXT NOT NULL,
  resource TEXT NOT NULL,            -- its label
  declared TEXT NOT NULL,            -- the label before values were filled in
  type TEXT NOT NULL,
  identity TEXT NOT NULL,
  origin TEXT NOT NULL,              -- created, adopted
  since INTEGER NOT NULL,            -- microseconds since the epoch
  made_by TEXT NOT NULL,             -- the id of the run that created or adopted it
  changed_by TEXT,                   -- the id of the last run that acted for it
  claims TEXT NOT NULL,              -- a list of things: "owns path /etc/motd"
  removal TEXT,                      -- the resource that takes it away; null: there is none
  fingerprint TEXT,                  -- an object: the things that it owns, as this playbook last left them
  PRIMARY KEY (playbook_key, resource)
) WITHOUT ROWID;
)";

constexpr const char* version_2 = R"(
-- Steps that are more than a change that a resource wanted.
CREATE TABLE step_roles (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  undoes TEXT,                       -- the id of the run whose step it undoes; null: it undoes none
  undone INTEGER,                    -- the sequence of that step
  recovery INTEGER NOT NULL,         -- 1: it cleared away what an interrupted step left; undo does not bring that back
  PRIMARY KEY (run, sequence)
) WITHOUT ROWID;
)";

constexpr const char* version_3 = R"(
-- Entries of the ledger as they were before a run ended them, or took packages out of them: undoing it brings them back.
CREATE TABLE disowned (
  run TEXT NOT NULL,                 -- its id
  playbook_key TEXT NOT NULL,
  resource TEXT NOT NULL,
  declared TEXT NOT NULL,            -- this and the rest as in the ledger
  type TEXT NOT NULL,
  identity TEXT NOT NULL,
  origin TEXT NOT NULL,
  since INTEGER NOT NULL,
  made_by TEXT NOT NULL,
  changed_by TEXT,
  claims TEXT NOT NULL,
  removal TEXT,
  fingerprint TEXT,
  PRIMARY KEY (run, playbook_key, resource)
) WITHOUT ROWID;
)";

constexpr const char* all[] = {version_1, version_2, version_3};

}  // namespace

std::span<const char* const> migrations() { return all; }

}  // namespace mlops
