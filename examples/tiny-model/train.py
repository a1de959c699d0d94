#!/usr/bin/env python3
"""Trains the bundled model. The same seed and the same --steps give the same corpus in the same order; a run that was
ended goes on from its last checkpoint. Until the last part of the run the learning rate is constant, so --steps may
be lowered or raised between two calls.

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

N_SHARDS = 2  # the batch of a step is cut into this many parts, whatever the number of processes
BATCHES = ((16, 256),) * 7 + ((8, 512),)  # (rows, length) by turns, for each part


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
        pad = lambda r, x: r + [x] * (length + 1 - len(r))
        ids = torch.tensor([pad(r, 0) for r in rows])
        return ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), torch.tensor([pad(r, 0.0) for r in weights])[:, 1:].contiguous()


def orthogonal(g, n_steps=5):
    """Newton-Schulz: the nearest matrix with equal singular values, about (Jordan et al., 2024: Muon)."""
    x = (g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    turned = x.shape[-2] > x.shape[-1]
    x = x.mT if turned else x
    for _ in range(n_steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if turned else x).float()


class Optimizer:
    """Muon for the matrices of the blocks, Adam for embedding and norms; each process works out its share of Muon."""

    def __init__(self, params, rank, world):
        self.params, self.rank, self.world = params, rank, world
        self.m = {n: torch.zeros_like(p) for n, p in params.items()}
        self.v = {n: torch.zeros_like(p) for n, p in params.items() if not self._is_matrix(n, p)}
        groups = {}
        for n, p in params.items():
            if self._is_matrix(n, p):
                groups.setdefault(p.shape, []).append(n)
        self.groups = sorted(groups.values())

    @staticmethod
    def _is_matrix(name, p):
        return p.ndim == 2 and name != "embd"

    def step(self, grads, lr, step, decay=0.02):
        updates = {}
        for n in self.v:
            self.m[n].lerp_(grads[n], 0.1)
            self.v[n].lerp_(grads[n].square(), 0.02)
            m, v = self.m[n] / (1 - 0.9 ** (step + 1)), self.v[n] / (1 - 0.98 ** (step + 1))
            updates[n] = m / (v.sqrt() + 1e-10)
        for names in self.groups:
            for n in names:
                self.m[n].lerp_(grads[n], 0.05)
            mine = names[self.rank::self.world]
            for n in names:
                updates[n] = torch.zeros_like(self.params[n])
            if mine:
                stacked = torch.stack([torch.lerp(grads[n], self.m[n], 0.95) for n in mine])
                for n, u in zip(mine, orthogonal(stacked)):
                    updates[n] = u * 0.2 * math.sqrt(max(u.shape))
        if self.world > 1:
            names = [n for g in self.groups for n in g]
            flat = torch.cat([updates[n].reshape(-1) for n in names])
            dist.all_reduce(flat)
            for n, u in zip(names, flat.split([updates[n].numel() for n in names])):
                updates[n] = u.view_as(self.params[n])
        for n, p in self.params.items():
            if p.ndim == 2:
                p.mul_(1 - lr * decay)
            p.add_(updates[n], alpha=-lr)


def rate(step, n_steps, peak, warmup=100, tail=0.3):
    return peak * min(1, (step + 1) / warmup, (n_steps - step) / (tail * n_steps))


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
        tokenizer_step.make(a.seed, Shape.n_vocab).save(tok_path)
    if world > 1:
        dist.barrier()
    tok = Tokenizer.from_file(tok_path)

    shape = Shape(n_vocab=tok.get_vocab_size())
    model = Llama(shape).to(device)
    params = {n: p.detach().clone() for n, p in model.named_parameters()}  # F32; the model itself computes in BF16
    opt = Optimizer(params, rank, world)
    shards = list(range(rank, N_SHARDS, world))
    step, seen, spent, index = 0, 0, 0.0, [0] * N_SHARDS
    path = f"{a.run}/checkpoint.pt"
    if os.path.exists(path):
        c = torch.load(path, map_location=device, weights_only=True)
        step, seen, spent, index = c["step"], c["seen"], c["seconds"], c["index"]
        for name, p in params.items():
            p.copy_(c["params"][name])
        opt.m, opt.v = c["m"], c["v"]
    streams = {s: Stream(tok, a.seed, s, index[s]) for s in shards}
    live = dict(model.named_parameters())
    for n, p in live.items():
        p.data = params[n].bfloat16() if p.ndim == 2 else params[n].clone()
    mask = causal_mask(512).to(device)
    loss_of = torch.compile(model.loss, dynamic=False) if a.compile else model.loss

    began, shown = time.time(), (time.time(), seen)
    names, sizes = list(params), [p.numel() for p in params.values()]
    while step < a.steps:
        flat, total = 0, 0.0
        for s in shards:
            ids, targets, weights = (x.to(device) for x in streams[s].batch(*BATCHES[step % len(BATCHES)]))
            loss = loss_of(ids, targets, weights, mask)
            loss.backward()
            total += loss.item()
        flat = torch.cat([live[n].grad.float().reshape(-1) for n in names] + [torch.tensor([total], device=device)])
        for p in live.values():
            p.grad = None
        if world > 1:
            dist.all_reduce(flat)
        flat /= N_SHARDS
        norm = flat[:-1].norm()
        flat[:-1] *= torch.clamp(1.0 / (norm + 1e-6), max=1.0)
        grads = {n: g.view_as(params[n]) for n, g in zip(names, flat[:-1].split(sizes))}
        with torch.no_grad():
            opt.step(grads, rate(step, a.steps, a.rate), step)
            for n, p in live.items():
                p.data.copy_(params[n])
        rows, length = BATCHES[step % len(BATCHES)]
        seen += N_SHARDS * rows * length
        step += 1
        if rank == 0 and (step % 20 == 0 or step == a.steps):
            now = time.time()
            print(f"step {step}/{a.steps} loss {flat[-1].item():.4f} norm {norm.item():.3f} tokens {seen / 1e6:.2f}M "
                  f"{(seen - shown[1]) / (now - shown[0]):.0f}/s {spent + now - began:.0f}s", flush=True)
            shown = now, seen
        if step % a.save_every == 0 or step == a.steps:
            at = [None] * world
            mine = {s: streams[s].index for s in shards}
            if world > 1:
                dist.all_gather_object(at, mine)
            else:
                at = [mine]
            if rank == 0:
                merged = {k: v for d in at for k, v in d.items()}
                state = {"step": step, "seen": seen, "seconds": spent + time.time() - began, "params": params, "m": opt.m,
                         "v": opt.v, "index": [merged[s] for s in range(N_SHARDS)], "shape": vars(shape), "seed": a.seed,
                         "steps": a.steps}
                save(path, state)
    if world > 1:
        dist.destroy_process_group()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True, help="the folder of the run: tokenizer, checkpoint")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=6000)
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--threads", type=int, default=1, help="of each process")
    p.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2, choices=(1, 2))
    p.add_argument("--save-every", type=int, default=200)
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
