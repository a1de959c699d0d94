"""Results in a SQLite file (schema.sql). Completions are added as they come, so that a run that was killed goes on
where it was; nothing in the file but the timings depends on when or how often that happened."""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .data import Data, canonical, digest
from .errors import ExperimentError
from .grid import Cell, Completion, Grid, Identity, Request
from .metrics import Scored

SCHEMA = 1
TIMINGS = ("n_cached", "queue_ms", "prompt_ms", "decode_ms")  # of the view "samples": all that may differ
FEW = 500  # parameters of one statement


class Store:
    """A results file, to be used in a with block: what SQLite refuses there is an ExperimentError. read_only: a file
    that is there, which is not written to."""

    def __init__(self, path: str | PathLike[str], read_only: bool = False) -> None:
        self.path = Path(path)
        if read_only and not self.path.is_file():
            raise ExperimentError(f"{self.path}: no such file, expected results of an experiment")
        try:
            version = self._connect("mode=rw" if read_only else "mode=rwc")
        except sqlite3.OperationalError as e:  # a folder that nobody writes to has no room for SQLite's own files
            if not read_only or Path(f"{self.path}-wal").exists():
                raise self._refused(e) from e
            version = self._connect("mode=ro&immutable=1")
        except sqlite3.Error as e:
            raise self._refused(e) from e
        try:
            self._open(version, read_only)
        except BaseException as e:
            self.__exit__(type(e), e)
            raise

    def _refused(self, error: sqlite3.Error) -> ExperimentError:
        return ExperimentError(f"{self.path}: {error}; expected a SQLite file that can be read and written, or none")

    def _connect(self, mode: str) -> int:
        """Opens the file and says which schema it has."""
        uri = f"file:{quote(os.fspath(self.path))}?{mode}"
        self.db = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        (version,) = self.db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _open(self, version: int, read_only: bool) -> None:
        if version not in (0, SCHEMA):
            raise ExperimentError(f"{self.path}: schema version {version}, expected {SCHEMA}")
        if version == 0:
            self._create(read_only)
        if read_only:
            return
        self.db.execute("PRAGMA synchronous = NORMAL")
        if not self._has("execution"):  # files of earlier libraries
            self._make_tables()

    def _create(self, read_only: bool) -> None:
        """Without waiting for the disk: nothing is there to lose, and the first checkpoint waits for all of it."""
        (n,) = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if n or read_only:
            raise ExperimentError(f"{self.path}: a SQLite file of something else, expected results of an experiment")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("PRAGMA journal_mode = WAL")
        self._make_tables()

    def _make_tables(self) -> None:
        """Those that are missing."""
        script = resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
        self.db.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {SCHEMA}; COMMIT;")

    def _has(self, table: str) -> bool:
        return bool(self.db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: object, error: object, *_: object) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise self._refused(error) from error

    def _transaction(self) -> _Transaction:
        return _Transaction(self.db)

    # ---- completions ----

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose completion is there."""
        keys, found = list(keys), set()
        for i in range(0, len(keys), FEW):
            part = keys[i : i + FEW]
            marks = ",".join("?" * len(part))
            found |= {r[0] for r in self.db.execute(f"SELECT key FROM completion WHERE key IN ({marks})", part)}
        return found

    def add(self, done: Sequence[tuple[str, Request, Completion]], identity: Identity) -> None:
        """Keeps completions, all or none."""
        with self._transaction():
            for key, request, c in done:
                prompt = digest(request.text.encode() + b"\0" + request.ids.tobytes())
                self.db.execute(
                    "INSERT OR IGNORE INTO prompt VALUES (?, ?, ?, ?)",
                    (prompt, request.text, request.ids.tobytes(), len(request.ids)),
                )
                outputs = _json([[text, list(ids), logprob] for text, ids, logprob in c.outputs])
                scored = _json([[s.text, s.logprob, s.n_tokens] for s in c.scored])
                self.db.execute(
                    f"INSERT OR IGNORE INTO completion VALUES ({','.join('?' * 14)})",
                    (
                        key,
                        prompt,
                        identity.model,
                        identity.tokenizer,
                        identity.library,
                        identity.backend,
                        request.options(),
                        outputs,
                        scored,
                        c.finish,
                        c.n_cached,
                        c.queue_ms,
                        c.prompt_ms,
                        c.decode_ms,
                    ),
                )

    def completion(self, key: str) -> Completion:
        row = self.db.execute("SELECT * FROM completion WHERE key = ?", (key,)).fetchone()
        outputs = tuple((text, array("i", ids), logprob) for text, ids, logprob in json.loads(row["outputs"]))
        scored = tuple(Scored(*s) for s in json.loads(row["scored"]))
        return Completion(outputs, scored, row["finish"], *(row[name] for name in TIMINGS))

    # ---- runs ----

    def begin(self, run: str, spec: dict[str, Any], cells: Sequence[Cell], data: Data, grids: Sequence[Grid]) -> None:
        """Writes down what a run consists of; one that is there already is begun again, its completions stay."""
        hashes = {cell: h for grid in grids for cell, h in grid.template_hashes.items()}
        with self._transaction():
            for table in ("cell", "item", "sample"):
                self.db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
            self.db.execute(
                "INSERT INTO run VALUES (?, (SELECT count(*) + 1 FROM run), ?, 0) "
                "ON CONFLICT (id) DO UPDATE SET finished = 0",
                (run, canonical(spec)),
            )
            self.db.executemany(
                "INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(run, c.index, *c.axes.values(), hashes[c.index]) for c in cells],
            )
            self.db.executemany(
                "INSERT INTO item VALUES (?, ?, ?, ?)",
                [(run, i, item.id, canonical(item.fields)) for i, item in enumerate(data)],
            )
            self.db.executemany(
                "INSERT INTO sample (run, cell, item, seed, key) VALUES (?, ?, ?, ?, ?)",
                [(run, s.cell, s.item, s.seed, s.key) for grid in grids for s in grid.samples],
            )

    def execute(self, run: str, n_computed: int, facts: dict[str, str]) -> None:
        """Writes down that a run is computed here and now, unless there is nothing to compute that is not told of."""
        (n_before,) = self.db.execute("SELECT count(*) FROM execution WHERE run = ?", (run,)).fetchone()
        if n_computed or not n_before:
            with self._transaction():
                self.db.execute(
                    "INSERT INTO execution VALUES (?, ?, ?, ?)", (run, n_before + 1, n_computed, canonical(facts))
                )

    def executions(self, run: str) -> list[dict[str, Any]]:
        """The facts of each, with n_computed; none in files of earlier libraries."""
        if not self._has("execution"):
            return []
        rows = self.db.execute("SELECT n_computed, facts FROM execution WHERE run = ? ORDER BY number", (run,))
        return [{**json.loads(row["facts"]), "n_computed": row["n_computed"]} for row in rows]

    def items(self, run: str) -> list[tuple[str, dict[str, Any]]]:
        """The id and the fields of each item, in their order."""
        rows = self.db.execute("SELECT item_id, fields FROM item WHERE run = ? ORDER BY item", (run,))
        return [(row["item_id"], json.loads(row["fields"])) for row in rows]

    def finish(self, run: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Keeps what the samples came to: rows of (text, ids, logprob, answer, score, stats, cell, item, seed)."""
        with self._transaction():
            self.db.executemany(
                "UPDATE sample SET text = ?, ids = ?, logprob = ?, answer = ?, score = ?, stats = ? "
                "WHERE run = ? AND cell = ? AND item = ? AND seed = ?",
                ((*r[:6], run, *r[6:]) for r in rows),
            )
            self.db.execute("UPDATE run SET finished = 1 WHERE id = ?", (run,))

    def runs(self) -> list[sqlite3.Row]:
        """id, number, spec, finished, and how many samples there are and are computed."""
        return self.db.execute(
            "SELECT r.*, (SELECT count(*) FROM sample s WHERE s.run = r.id) AS n_samples, "
            "(SELECT count(*) FROM sample s JOIN completion k ON k.key = s.key WHERE s.run = r.id) AS n_done "
            "FROM run r ORDER BY number"
        ).fetchall()

    def samples(self, run: str) -> Iterator[sqlite3.Row]:
        """The rows of the view "samples" in their order."""
        return self.db.execute("SELECT * FROM samples WHERE run = ? ORDER BY cell, item, seed", (run,))


def _json(value: Any) -> str:
    """As data.canonical, but a log-probability may be minus infinity."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Transaction:
    """All or nothing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def __enter__(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.db.execute("COMMIT")
        elif self.db.in_transaction:  # SQLite has ended it by itself where the disk is full
            self.db.execute("ROLLBACK")
