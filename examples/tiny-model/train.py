#!/usr/bin/env python3
"""Trains the bundled model, from nothing or from a GGUF of it, for so many minutes or steps.

    python3 train.py --run RUN --minutes 120 --from ../models/tiny-reasoner.gguf --layers 7
    python3 train.py --run RUN --steps 10000

The rate falls along half a cosine, by the share of the minutes (or steps) that is spent: a run ends in time, however busy the machine.
A run that was ended goes on from its last checkpoint, with the documents it would have read. `python3 export.py gguf RUN FILE` makes a
GGUF of any checkpoint.
"""

import argparse
import math
import os
import subprocess
import sys
import time

import torch
import torch.distributed as dist
from tokenizers import Tokenizer

import generate
import slice_of_measure
import tokenizer as tokenizer_step
from model import Llama, Shape, causal_mask

N_SHARDS = 2  # the batch of a step is cut into this many parts, whatever the number of processes
BATCHES = ((16, 512), (16, 512), (16, 512), (8, 1024))  # (rows, length) by turns, for each part; the long ones hold worked examples
LONGEST = max(length for _, length in BATCHES)
AT_ONCE = 2048  # tokens that go through the model at a time: more would leave the cache (8,500 tokens a second a core against 6,700)
KEPT = 0.5  # the share of these tokens that may be learned from; less than half mostly are to be
AHEAD, WAITING = 64, 48  # documents that are looked at to fill rows; long ones that may wait for a long row


def fast_bf16():
    """Whether BF16 is the faster arithmetic: on GPUs, and on CPUs that multiply it."""
    if torch.cuda.is_available():
        return True
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            return any(x in f.read() for x in ("avx512_bf16", "amx_bf16"))
    except OSError:
        return False


def stage_of(progress, fresh):
    """The mix of documents at this share of the run."""
    return "start" if fresh and progress < 0.2 else "main" if progress < 0.75 else "end"


class Stream:
    """Batches of one shard, in pieces: documents packed whole into rows, first fit. State: the next document, and those that wait."""

    def __init__(self, tok, seed, shard, state):
        self.tok, self.seed, self.shard = tok, seed, shard
        self.index, waiting = state
        self.ready = self._encoded(waiting)

    def state(self):
        return self.index, [(i, stage) for i, stage, _, _ in self.ready]

    def _encoded(self, wanted):
        """[(index, stage, ids, weights)] of [(index, stage)]"""
        docs = [generate.document(self.seed, i * N_SHARDS + self.shard, stage=stage) for i, stage in wanted]
        out = []
        for (i, stage), doc, e in zip(wanted, docs, self.tok.encode_batch(["".join(p for p, _ in d) for d in docs])):
            ends, learn, k, at = [], [], 0, 0
            for text, _ in doc:
                at += len(text)
                ends.append(at)
            for _, end in e.offsets:
                while end > ends[k]:
                    k += 1
                learn.append(float(doc[k][1]))
            out.append((i, stage, e.ids, learn))
        return out

    def _order(self, length):
        """The waiting documents as a batch of rows of this length takes them: long ones wait for the longest rows."""
        long = [d for d in self.ready if len(d[2]) > length + 1]
        short = [d for d in self.ready if len(d[2]) <= length + 1]
        if length == LONGEST:
            return sorted(self.ready, key=lambda d: len(d[2]) <= LONGEST // 2)
        return long[: max(0, len(long) - WAITING)] + short

    def batch(self, n_rows, length, stage):
        rows, weights, missed = [[] for _ in range(n_rows)], [[] for _ in range(n_rows)], 0
        while missed < 12:
            if len(self.ready) < AHEAD:
                self.ready += self._encoded([(self.index + i, stage) for i in range(AHEAD)])
                self.index += AHEAD
            order, taken, missed = self._order(length), set(), 0
            for d in order:
                ids, learn = d[2][: length + 1], d[3][: length + 1]
                row = next((i for i in range(n_rows) if len(rows[i]) + len(ids) <= length + 1), None)
                if row is None:
                    missed += 1
                    if missed >= 12:
                        break
                    continue
                rows[row] += ids
                weights[row] += learn
                taken.add(d[0])
            self.ready = [d for d in self.ready if d[0] not in taken]
        few = AT_ONCE // length
        return [self._tensors(rows[i:i + few], weights[i:i + few], length) for i in range(0, n_rows, few)]

    @staticmethod
    def _tensors(rows, weights, length):
        ids = torch.tensor([r + [0] * (length + 1 - len(r)) for r in rows])
        learn = torch.tensor([r + [0.0] * (length + 1 - len(r)) for r in weights])[:, 1:].contiguous()
        n = int(KEPT * len(rows) * length)
        kept = torch.nonzero(learn.reshape(-1))[:n, 0]
        kept = torch.cat((kept, torch.nonzero(learn.reshape(-1) == 0)[: n - len(kept), 0]))
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), learn, kept


def orthogonal(g, dtype, n_steps=5):
    """Newton-Schulz: the nearest matrix with equal singular values, about (Jordan et al., 2024: Muon)."""
    x = (g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    for _ in range(n_steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if turned else x).float()


class Weights:
    """All parameters in one F32 vector: matrices, embedding, norms. The model computes with a copy of the first two in dtype."""

    def __init__(self, model, dtype):
        live = dict(model.named_parameters())
        self.names = sorted(live, key=lambda n: (live[n].ndim == 1, n == "embd", tuple(live[n].shape), n))
        self.shapes = {n: live[n].shape for n in self.names}
        self.matrices = [n for n in self.names if live[n].ndim == 2 and n != "embd"]
        self.live, self.dtype = [live[n] for n in self.names], dtype
        self.flat = torch.cat([p.detach().reshape(-1) for p in self.live])
        self.n_matrix = sum(live[n].numel() for n in self.matrices)
        self.n_low = self.n_matrix + live["embd"].numel()
        self.low = self.flat[: self.n_low].to(dtype)
        for p, master in zip(self.live, self.split(self.flat)):
            p.data = master
        for p, low in zip(self.live, self.split(self.low)):
            p.data = low

    def split(self, flat):
        """Views of the parameters in a vector, as far as it reaches."""
        at, out = 0, []
        for n in self.names:
            size = self.shapes[n].numel()
            if at + size > flat.numel():
                break
            out.append(flat[at:at + size].view(self.shapes[n]))
            at += size
        return out

    def load(self, params):
        self.flat.copy_(torch.cat([params[n].reshape(-1) for n in self.names]))
        self.refresh()

    def gradient(self):
        flat = torch.cat([p.grad.float().reshape(-1) for p in self.live])
        for p in self.live:
            p.grad = None
        return flat

    def refresh(self):
        self.low.copy_(self.flat[: self.n_low])

    def named(self):
        return dict(zip(self.names, self.split(self.flat)))


class Optimizer:
    """Muon for the matrices of the blocks, Adam for embedding and norms; each process works out its share of Muon."""

    def __init__(self, weights, rank, world):
        self.w, self.rank, self.world = weights, rank, world
        self.m = torch.zeros_like(weights.flat)
        self.v = torch.zeros_like(weights.flat[weights.n_matrix:])

    def step(self, g, lr, step, decay=0.02):
        w, k = self.w, self.w.n_matrix
        self.m[:k].lerp_(g[:k], 0.05)
        self.m[k:].lerp_(g[k:], 0.1)
        self.v.lerp_(g[k:].square(), 0.02)
        update = torch.zeros_like(g[:k])
        groups = {}
        for i, (x, to) in enumerate(zip(w.split(torch.lerp(g[:k], self.m[:k], 0.95)), w.split(update))):
            if i % self.world == self.rank:
                groups.setdefault(x.shape, []).append((x, to))
        for shape, pairs in groups.items():
            for (_, to), u in zip(pairs, orthogonal(torch.stack([x for x, _ in pairs]), w.dtype)):
                to.copy_(u * (0.2 * math.sqrt(max(shape))))
        if self.world > 1:
            dist.all_reduce(update)
        w.flat[: w.n_low].mul_(1 - lr * decay)
        w.flat[:k].add_(update, alpha=-lr)
        m, v = self.m[k:] / (1 - 0.9 ** (step + 1)), self.v / (1 - 0.98 ** (step + 1))
        w.flat[k:].addcdiv_(m, v.sqrt_().add_(1e-10), value=-lr)
        w.refresh()


def rate(step, progress, peak, warmup=100):
    """Half a cosine over the run, down to a hundredth."""
    return peak * min(1, (step + 1) / warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, progress))))


def grown(source, tok, n_layers):
    """(shape, parameters) of a GGUF's model for another tokenizer and more layers. It says the same at first: new layers add nothing, and
    a new token begins as the mean of what it was spelled with."""
    params = {n: torch.from_numpy(x) for n, x in source.params().items()}
    shape = Shape(**{**source.shape(), "n_vocab": tok.get_vocab_size(), "n_layers": n_layers})
    old = source.tokenizer_json()
    rows = [params["embd"][old.token_to_id(t)] if old.token_to_id(t) is not None else
            params["embd"][old.encode(tok.decoder.decode([t]), add_special_tokens=False).ids].mean(0)
            for t, _ in sorted(tok.get_vocab().items(), key=lambda x: x[1])]
    out = {"embd": torch.stack(rows), "norm.weight": params["norm.weight"]}
    n_old = source.shape()["n_layers"]
    if n_layers < n_old:
        sys.exit(f"--layers {n_layers}: the model of --from has {n_old}")
    kept = {round(i * (n_layers - 1) / max(1, n_old - 1)): i for i in range(n_old)}  # the new ones lie in between
    fresh = dict(Llama(shape).named_parameters())
    for name, p in fresh.items():
        if name.startswith("blocks."):
            _, layer, rest = name.split(".", 2)
            if int(layer) in kept:
                out[name] = params[f"blocks.{kept[int(layer)]}.{rest}"]
            else:
                out[name] = torch.zeros_like(p) if rest.split(".")[0] in ("o", "down") else p.detach()
    return shape, out


class Run:
    """Where a run stands: steps, tokens, seconds, and the share of it that is done."""

    def __init__(self, a):
        self.a, self.step, self.seen, self.spent = a, 0, 0, 0.0
        self.began = self.saved = self.shown = time.time()
        self.shown_at = 0

    def seconds(self):
        return self.spent + time.time() - self.began

    def progress(self):
        return self.seconds() / (60 * self.a.minutes) if self.a.minutes else self.step / self.a.steps

    def line(self, loss, norm, progress):
        now = time.time()
        speed = (self.seen - self.shown_at) / (now - self.shown)
        planned = self.a.steps or round(self.step + max(0.0, 60 * self.a.minutes - self.seconds()) * speed * self.step / max(1, self.seen))
        self.shown, self.shown_at = now, self.seen
        return (f"step {self.step} of {planned} ({100 * progress:.1f} %) loss {loss:.4f} norm {norm:.3f} tokens {self.seen / 1e6:.2f}M "
                f"{speed:.0f}/s {self.seconds():.0f}s")


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def prepare(a, rank, world, dtype, device):
    """Tokenizer, model, weights, optimizer and streams, from a checkpoint, a GGUF, or nothing."""
    path, run = f"{a.run}/checkpoint.pt", Run(a)
    tok_path = f"{a.run}/tokenizer.json"
    if rank == 0 and not os.path.exists(tok_path):
        tokenizer_step.make(a.seed).save(tok_path)
    if world > 1:
        dist.barrier()
    tok = Tokenizer.from_file(tok_path)
    c = torch.load(path, map_location="cpu", weights_only=True) if os.path.exists(path) else None
    params = c["params"] if c else None
    shape = Shape(**c["shape"]) if c else Shape(n_vocab=tok.get_vocab_size(), n_layers=a.layers or 5)
    if not c and a.source:
        import export

        source = export.Source(a.source)
        shape, params = grown(source, tok, a.layers or source.shape()["n_layers"])
    model = Llama(shape).to(device)
    weights = Weights(model, dtype)
    opt, states = Optimizer(weights, rank, world), [(0, [])] * N_SHARDS
    if params:
        weights.load(params)
    if c:
        run.step, run.seen, run.spent, states = c["step"], c["seen"], c["seconds"], c["streams"]
        run.shown_at = run.seen
        opt.m.copy_(c["m"])
        opt.v.copy_(c["v"])
    streams = {s: Stream(tok, a.seed, s, states[s]) for s in range(rank, N_SHARDS, world)}
    return run, tok, model, shape, weights, opt, streams


def gathered(streams, world):
    """The states of the streams of all processes."""
    mine, at = {s: x.state() for s, x in streams.items()}, [None] * world
    if world > 1:
        dist.all_gather_object(at, mine)
    else:
        at = [mine]
    merged = {k: v for d in at for k, v in d.items()}
    return [merged[s] for s in range(N_SHARDS)]


def gradients(run, streams, loss_of, mask, device, stage):
    """The summed loss of this process's parts; their gradients are left in the parameters."""
    total = 0.0
    for s in streams.values():
        pieces = s.batch(*BATCHES[run.step % len(BATCHES)], stage)
        whole = sum(learn.reshape(-1)[kept].sum() for _, _, learn, kept in pieces)
        for ids, targets, learn, kept in pieces:
            share = (learn.reshape(-1)[kept].sum() / whole).item()
            loss = share * loss_of(*(x.to(device) for x in (ids, targets, learn, kept)), mask)
            loss.backward()
            total += loss.item()
    return total


def work(a, rank, world):
    torch.manual_seed(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(a.threads)
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{os.path.abspath(a.run)}/rendezvous", rank=rank, world_size=world)
    dtype = torch.bfloat16 if a.bf16 == "yes" or a.bf16 == "auto" and fast_bf16() else torch.float32
    run, tok, model, shape, weights, opt, streams = prepare(a, rank, world, dtype, device)
    mask = causal_mask(LONGEST).to(device)
    loss_of = torch.compile(model.loss, dynamic=False) if a.compile else model.loss
    if rank == 0:
        print(f"{sum(p.numel() for p in weights.live) / 1e6:.2f}M parameters, {shape.n_layers} layers, {shape.n_vocab} tokens, {dtype}, "
              f"{world} processes of {a.threads} threads", flush=True)
    progress = run.progress()
    while progress < 1:
        total = gradients(run, streams, loss_of, mask, device, stage_of(progress, not a.source))
        # The first process says how far the run is, and whether it is time for a checkpoint.
        says = [run.progress(), float(time.time() - run.saved > 60 * a.save_minutes)] if rank == 0 else [0.0, 0.0]
        flat = torch.cat((weights.gradient(), torch.tensor([total, *says], device=device)))
        if world > 1:
            dist.all_reduce(flat)
        progress, due = flat[-2].item(), flat[-1].item() > 0
        g, total = flat[:-3] / N_SHARDS, flat[-3].item() / N_SHARDS
        norm = g.norm()
        if math.isfinite(norm):
            g *= torch.clamp(1.0 / (norm + 1e-6), max=1.0)
        else:  # what overflows says nothing
            g.zero_()
        with torch.no_grad():
            opt.step(g, rate(run.step, progress, a.rate), run.step)
        rows, length = BATCHES[run.step % len(BATCHES)]
        run.seen += N_SHARDS * rows * length
        run.step += 1
        last = progress >= 1 or a.steps and run.step >= a.steps
        if rank == 0 and (run.step % 10 == 0 or last):
            print(run.line(total, norm.item(), progress), flush=True)
        if rank == 0 and (run.step % a.measure_every == 0 or last):
            print(f"step {run.step} measured: {slice_of_measure.line(model, tok)}", flush=True)
        if due or last:
            states, run.saved = gathered(streams, world), time.time()
            if rank == 0:
                save(f"{a.run}/checkpoint.pt", {"step": run.step, "seen": run.seen, "seconds": run.seconds(), "params": weights.named(), "m": opt.m,
                     "v": opt.v, "streams": states, "shape": vars(shape), "seed": a.seed})
        if last:
            break
    if world > 1:
        dist.destroy_process_group()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True, help="the folder of the run: tokenizer, checkpoint")
    p.add_argument("--seed", type=int, default=1)
    length = p.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="how long the run lasts in all, over all calls")
    length.add_argument("--steps", type=int)
    p.add_argument("--from", dest="source", help="a GGUF of this model to begin with")
    p.add_argument("--layers", type=int, help="default: 5, or those of --from")
    p.add_argument("--rate", type=float, default=4e-3, help="the highest learning rate")
    p.add_argument("--threads", type=int, default=1, help="of each process")
    p.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2, choices=(1, 2))
    p.add_argument("--bf16", choices=("auto", "yes", "no"), default="auto", help="arithmetic in BF16; auto: where the processor has it")
    p.add_argument("--save-minutes", type=float, default=4)
    p.add_argument("--measure-every", type=int, default=500, metavar="STEPS", help="a line of how much is right on a small slice")
    p.add_argument("--no-compile", dest="compile", action="store_false", help="where there is no C++ compiler")
    p.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    a = p.parse_args()
    os.makedirs(a.run, exist_ok=True)
    os.environ.update(TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS=str(a.threads), TORCHINDUCTOR_COMPILE_THREADS="1")
    if a.rank is not None or a.processes == 1:
        return work(a, a.rank or 0, a.processes)
    if os.path.exists(f"{a.run}/rendezvous"):
        os.remove(f"{a.run}/rendezvous")
    children = [subprocess.Popen([sys.executable, *sys.argv, "--rank", str(r)]) for r in range(a.processes)]
    return max(c.wait() for c in children)


if __name__ == "__main__":
    sys.exit(main())
