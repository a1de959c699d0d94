-- What a results file holds. A completion is kept under a hash of everything that it depends on and is shared by all
-- samples and runs that ask the same; the view "samples" has one row for each sample, with everything about it.
CREATE TABLE IF NOT EXISTS prompt (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    ids BLOB NOT NULL,                -- int32, the machine's byte order
    n_ids INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS completion (
    key TEXT PRIMARY KEY,
    prompt TEXT NOT NULL REFERENCES prompt (hash),
    model_hash TEXT NOT NULL,
    tokenizer_hash TEXT NOT NULL,
    library TEXT NOT NULL,
    backend TEXT NOT NULL,
    request TEXT NOT NULL,            -- sampling, seed, stops, continuations: JSON
    outputs TEXT NOT NULL,            -- [[text, ids, log-probability], ...]: one, or one for each vote
    scored TEXT NOT NULL,             -- [[continuation, log-probability, tokens], ...]
    finish TEXT NOT NULL,
    n_cached INTEGER NOT NULL,        -- prompt tokens taken from the cache of the engine: a matter of time, like these
    queue_ms REAL NOT NULL,
    prompt_ms REAL NOT NULL,
    decode_ms REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY,              -- a hash of the whole grid
    number INTEGER NOT NULL,          -- runs of this file in their order, from 1
    spec TEXT NOT NULL,               -- JSON
    finished INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS execution (
    run TEXT NOT NULL REFERENCES run (id),
    number INTEGER NOT NULL,          -- of this run, from 1: again where it was ended and taken up
    n_computed INTEGER NOT NULL,      -- requests that the file lacked
    facts TEXT NOT NULL,              -- date, command, versions, machine: JSON; a matter of time, like the timings
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS cell (
    run TEXT NOT NULL REFERENCES run (id),
    cell INTEGER NOT NULL,
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    shots INTEGER NOT NULL,
    selector TEXT NOT NULL,
    sampling TEXT NOT NULL,
    template_hash TEXT NOT NULL,
    PRIMARY KEY (run, cell)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS item (
    run TEXT NOT NULL REFERENCES run (id),
    item INTEGER NOT NULL,            -- its place in the data
    item_id TEXT NOT NULL,
    fields TEXT NOT NULL,             -- JSON
    PRIMARY KEY (run, item)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sample (
    run TEXT NOT NULL REFERENCES run (id),
    cell INTEGER NOT NULL,
    item INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    key TEXT NOT NULL,                -- of its completion, which may still be missing
    text TEXT,                        -- of the completion whose answer counts
    ids TEXT,
    logprob REAL,
    answer TEXT,
    score REAL,
    stats TEXT,                       -- what the metric sums over a cell: JSON
    PRIMARY KEY (run, cell, item, seed)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS sample_key ON sample (key);

CREATE VIEW IF NOT EXISTS samples AS
SELECT s.run, s.cell, c.model, c.prompt, c.shots, c.selector, c.sampling, s.item, i.item_id, s.seed,
       p.text AS rendered, p.ids AS prompt_ids, p.n_ids AS n_prompt, s.text, s.ids, s.answer,
       json_extract(i.fields, '$.answer') AS reference, s.score, s.logprob, s.stats, k.finish,
       k.outputs, k.scored, k.request, k.model_hash, k.tokenizer_hash, c.template_hash,
       json_extract(r.spec, '$.data') AS data_hash, k.library, k.backend, s.key, k.n_cached, k.queue_ms, k.prompt_ms,
       k.decode_ms
FROM sample s
JOIN run r ON r.id = s.run
JOIN cell c ON c.run = s.run AND c.cell = s.cell
JOIN item i ON i.run = s.run AND i.item = s.item
LEFT JOIN completion k ON k.key = s.key
LEFT JOIN prompt p ON p.hash = k.prompt;
