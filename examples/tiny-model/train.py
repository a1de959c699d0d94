#!/usr/bin/env python3
"""Trains the bundled model. The same seed and the same --steps give the same corpus in the same order; a run that was
ended goes on from its last checkpoint. Until the last part of the run the learning rate is constant, so --steps may
be lowered or raised between two calls, or while it runs by a number in the file RUN/steps.

    python3 train.py --run RUN --steps 6000
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
import tokenizer as tokenizer_step
from model import Llama, Shape, causal_mask

ARITHMETIC = torch.bfloat16 if torch.cuda.is_available() else torch.float32  # without AMX, BF16 is slower than F32 on a CPU
N_SHARDS = 2  # the batch of a step is cut into this many parts, whatever the number of processes
BATCHES = ((10, 320),)  # (rows, length) by turns, for each part
KEPT = 0.5625  # the share of a part's tokens that may be learned from; less than half mostly are to be


class Stream:
    """Batches of one shard: documents packed whole into rows, first fit. State: the number of the next document."""

    def __init__(self, tok, seed, shard, index):
        self.tok, self.seed, self.shard, self.index, self.ready = tok, seed, shard, index, []

    def _next(self):
        if not self.ready:
            docs = [generate.document(self.seed, (self.index + i) * N_SHARDS + self.shard) for i in range(64)]
            for doc, e in zip(docs, self.tok.encode_batch(["".join(p for p, _ in d) for d in docs])):
                ends, learn, k, at = [], [], 0, 0
                for text, _ in doc:
                    at += len(text)
                    ends.append(at)
                for start, end in e.offsets:
                    while end > ends[k]:
                        k += 1
                    learn.append(float(doc[k][1]))
                self.ready.append((e.ids, learn))
            self.ready.reverse()
        return self.ready[-1]

    def batch(self, n_rows, length):
        rows, weights = [[] for _ in range(n_rows)], [[] for _ in range(n_rows)]
        while True:
            ids, learn = self._next()
            ids, learn = ids[: length + 1], learn[: length + 1]
            row = next((i for i in range(n_rows) if len(rows[i]) + len(ids) <= length + 1), None)
            if row is None:
                break
            rows[row] += ids
            weights[row] += learn
            self.ready.pop()
            self.index += 1
        ids = torch.tensor([r + [0] * (length + 1 - len(r)) for r in rows])
        learn = torch.tensor([r + [0.0] * (length + 1 - len(r)) for r in weights])[:, 1:].contiguous()
        n = int(KEPT * n_rows * length)
        kept = torch.nonzero(learn.reshape(-1))[:n, 0]
        kept = torch.cat((kept, torch.nonzero(learn.reshape(-1) == 0)[: n - len(kept), 0]))
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), learn, kept


def orthogonal(g, n_steps=5):
    """Newton-Schulz: the nearest matrix with equal singular values, about (Jordan et al., 2024: Muon)."""
    x = (g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(ARITHMETIC)
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    for _ in range(n_steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if turned else x).float()


class Weights:
    """All parameters in one F32 vector: matrices, embedding, norms. On a GPU the model computes with a BF16 copy of the first two."""

    def __init__(self, model):
        live = dict(model.named_parameters())
        self.names = sorted(live, key=lambda n: (live[n].ndim == 1, n == "embd", tuple(live[n].shape), n))
        self.shapes = {n: live[n].shape for n in self.names}
        self.matrices = [n for n in self.names if live[n].ndim == 2 and n != "embd"]
        self.live = [live[n] for n in self.names]
        self.flat = torch.cat([p.detach().reshape(-1) for p in self.live])
        self.n_matrix = sum(live[n].numel() for n in self.matrices)
        self.n_low = self.n_matrix + live["embd"].numel()
        self.low = self.flat[: self.n_low].to(ARITHMETIC)
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
            for (_, to), u in zip(pairs, orthogonal(torch.stack([x for x, _ in pairs]))):
                to.copy_(u * (0.2 * math.sqrt(max(shape))))
        if self.world > 1:
            dist.all_reduce(update)
        w.flat[: w.n_low].mul_(1 - lr * decay)
        w.flat[:k].add_(update, alpha=-lr)
        m, v = self.m[k:] / (1 - 0.9 ** (step + 1)), self.v / (1 - 0.98 ** (step + 1))
        w.flat[k:].addcdiv_(m, v.sqrt_().add_(1e-10), value=-lr)
        w.refresh()


def rate(step, n_steps, peak, warmup=100, tail=0.3):
    return peak * min(1, (step + 1) / warmup, (n_steps - step) / (tail * n_steps))


def wanted_steps(a):
    """--steps, or what the file RUN/steps says at the moment."""
    try:
        with open(f"{a.run}/steps", encoding="utf-8") as f:
            return float(f.read())
    except FileNotFoundError:
        return float(a.steps)


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def work(a, rank, world):
    torch.manual_seed(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(a.threads)
    if world > 1:
        dist.init_process_group("gloo", init_method=f"file://{os.path.abspath(a.run)}/rendezvous", rank=rank, world_size=world)
    tok_path = f"{a.run}/tokenizer.json"
    if rank == 0 and not os.path.exists(tok_path):
        tokenizer_step.make(a.seed).save(tok_path)
    if world > 1:
        dist.barrier()
    tok = Tokenizer.from_file(tok_path)

    shape = Shape(n_vocab=tok.get_vocab_size())
    model = Llama(shape).to(device)
    weights = Weights(model)
    opt = Optimizer(weights, rank, world)
    shards = list(range(rank, N_SHARDS, world))
    step, seen, spent, index = 0, 0, 0.0, [0] * N_SHARDS
    path = f"{a.run}/checkpoint.pt"
    if os.path.exists(path):
        c = torch.load(path, map_location=device, weights_only=True)
        step, seen, spent, index = c["step"], c["seen"], c["seconds"], c["index"]
        weights.flat.copy_(torch.cat([c["params"][n].reshape(-1) for n in weights.names]))
        weights.refresh()
        opt.m.copy_(c["m"])
        opt.v.copy_(c["v"])
    streams = {s: Stream(tok, a.seed, s, index[s]) for s in shards}
    mask = causal_mask(512).to(device)
    loss_of = torch.compile(model.loss, dynamic=False) if a.compile else model.loss

    began, shown, n_steps = time.time(), (time.time(), seen), a.steps
    while step < n_steps:
        total = 0.0
        for s in shards:
            batch = [x.to(device) for x in streams[s].batch(*BATCHES[step % len(BATCHES)])]
            loss = loss_of(*batch, mask)
            loss.backward()
            total += loss.item()
        flat = torch.cat((weights.gradient(), torch.tensor([total, wanted_steps(a) if rank == 0 else 0.0], device=device)))
        if world > 1:
            dist.all_reduce(flat)
        n_steps = int(flat[-1])
        g, total = flat[:-2] / N_SHARDS, flat[-2].item() / N_SHARDS
        norm = g.norm()
        g *= torch.clamp(1.0 / (norm + 1e-6), max=1.0)
        with torch.no_grad():
            opt.step(g, rate(step, n_steps, a.rate), step)
        rows, length = BATCHES[step % len(BATCHES)]
        seen += N_SHARDS * rows * length
        step += 1
        if rank == 0 and (step % 10 == 0 or step >= n_steps):
            now = time.time()
            print(f"step {step}/{n_steps} loss {total:.4f} norm {norm.item():.3f} tokens {seen / 1e6:.2f}M "
                  f"{(seen - shown[1]) / (now - shown[0]):.0f}/s {spent + now - began:.0f}s", flush=True)
            shown = now, seen
        if step % a.save_every == 0 or step >= n_steps:
            at = [None] * world
            mine = {s: streams[s].index for s in shards}
            if world > 1:
                dist.all_gather_object(at, mine)
            else:
                at = [mine]
            if rank == 0:
                merged = {k: v for d in at for k, v in d.items()}
                state = {"step": step, "seen": seen, "seconds": spent + time.time() - began, "params": weights.named(), "m": opt.m,
                         "v": opt.v, "index": [merged[s] for s in range(N_SHARDS)], "shape": vars(shape), "seed": a.seed,
                         "steps": n_steps}
                save(path, state)
    if world > 1:
        dist.destroy_process_group()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True, help="the folder of the run: tokenizer, checkpoint")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=3000)
    p.add_argument("--rate", type=float, default=4e-3)
    p.add_argument("--threads", type=int, default=1, help="of each process")
    p.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2, choices=(1, 2))
    p.add_argument("--save-every", type=int, default=50)
    p.add_argument("--no-compile", dest="compile", action="store_false", help="where there is no C++ compiler")
    p.add_argument("--rank", type=int, help=argparse.SUPPRESS)
    a = p.parse_args()
    os.makedirs(a.run, exist_ok=True)
    os.environ.update(TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS=str(a.threads))
    if a.rank is not None or a.processes == 1:
        return work(a, a.rank or 0, a.processes)
    if os.path.exists(f"{a.run}/rendezvous"):
        os.remove(f"{a.run}/rendezvous")
    children = [subprocess.Popen([sys.executable, *sys.argv, "--rank", str(r)]) for r in range(a.processes)]
    return max(c.wait() for c in children)


if __name__ == "__main__":
    sys.exit(main())
