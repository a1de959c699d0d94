"""The Llama architecture in plain PyTorch, as small as it goes; the same arithmetic as transformers' LlamaForCausalLM."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


STRIP = 256


@dataclass
class Shape:
    n_vocab: int = 1024
    n_embd: int = 256
    n_layers: int = 5
    n_heads: int = 4
    n_kv_heads: int = 2
    n_ff: int = 384
    n_ctx: int = 1024
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self):
        return self.n_embd // self.n_heads


class Linear(nn.Module):
    def __init__(self, n_in, n_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) * std)

    def forward(self, x):
        return F.linear(x.to(self.weight.dtype), self.weight)


class Norm(nn.Module):
    def __init__(self, n, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(n)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def attend(q, k, v, mask, causal):
    """Attention with scores in the type of q. On a CPU this is faster than scaled_dot_product_attention, backward above all; a causal
    mask is taken in strips of rows, each with the keys that it sees."""
    if not causal:
        return torch.softmax(q @ k.mT + mask.to(q.dtype), -1) @ v
    out, t = [], q.shape[2]
    for at in range(0, t, STRIP):
        end = min(at + STRIP, t)
        out.append(torch.softmax(q[:, :, at:end] @ k[:, :, :end].mT + mask[at:end, :end].to(q.dtype), -1) @ v[:, :, :end])
    return torch.cat(out, 2)


class Block(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s, std = s, 0.02
        self.attn_norm, self.ffn_norm = Norm(s.n_embd, s.norm_eps), Norm(s.n_embd, s.norm_eps)
        self.q = Linear(s.n_embd, s.n_embd, std)
        self.k = Linear(s.n_embd, s.n_kv_heads * s.head_dim, std)
        self.v = Linear(s.n_embd, s.n_kv_heads * s.head_dim, std)
        self.o = Linear(s.n_embd, s.n_embd, std / math.sqrt(2 * s.n_layers))
        self.gate = Linear(s.n_embd, s.n_ff, std)
        self.up = Linear(s.n_embd, s.n_ff, std)
        self.down = Linear(s.n_ff, s.n_embd, std / math.sqrt(2 * s.n_layers))

    def forward(self, x, cos, sin, mask, past):
        s, (b, t, _) = self.s, x.shape
        h = self.attn_norm(x)
        q = rotate(self.q(h).view(b, t, s.n_heads, s.head_dim).transpose(1, 2), cos, sin)
        k = rotate(self.k(h).view(b, t, s.n_kv_heads, s.head_dim).transpose(1, 2), cos, sin)
        v = self.v(h).view(b, t, s.n_kv_heads, s.head_dim).transpose(1, 2)
        if past is not None:
            k, v = past.extend(self, k, v)
        n = s.n_heads // s.n_kv_heads
        k, v = k.repeat_interleave(n, 1), v.repeat_interleave(n, 1)
        y = attend(q * s.head_dim**-0.5, k, v, mask, causal=past is None).transpose(1, 2).reshape(b, t, s.n_embd)
        x = x + self.o(y).float()
        h = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(h).float()) * self.up(h).float()).float()


class Llama(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.s = s
        self.embd = nn.Parameter(torch.randn(s.n_vocab, s.n_embd) * 0.02)
        self.blocks = nn.ModuleList(Block(s) for _ in range(s.n_layers))
        self.norm = Norm(s.n_embd, s.norm_eps)
        angle = torch.outer(torch.arange(s.n_ctx).float(),
                            s.rope_base ** -(torch.arange(0, s.head_dim, 2).float() / s.head_dim))
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, ids, mask, cos, sin, past=None):
        x = F.embedding(ids, self.embd).float()
        for block in self.blocks:
            x = block(x, cos, sin, mask, past)
        return F.linear(self.norm(x).to(self.embd.dtype), self.embd).float()

    def loss(self, ids, targets, weights, kept, mask):
        """The weighted mean over the kept targets; the others cost no logits."""
        t = ids.shape[1]
        x = F.embedding(ids, self.embd).float()
        for block in self.blocks:
            x = block(x, self.cos[:t], self.sin[:t], mask[:t, :t], None)
        x = self.norm(x.reshape(-1, self.s.n_embd)[kept])
        logits = F.linear(x.to(self.embd.dtype), self.embd).float()
        weights = weights.reshape(-1)[kept]
        each = F.cross_entropy(logits, targets.reshape(-1)[kept], reduction="none")
        return (each * weights).sum() / weights.sum()


def causal_mask(n):
    return torch.full((n, n), float("-inf")).triu(1)


class Cache:
    """Keys and values of a batch whose prompts are padded on the left."""

    def __init__(self):
        self.kv = {}

    def extend(self, block, k, v):
        if block in self.kv:
            k, v = (torch.cat(p, 2) for p in zip(self.kv[block], (k, v)))
        self.kv[block] = k, v
        return k, v


@torch.no_grad()
def generate(model, prompts, max_tokens, stop_ids, temperature=0.0, seed=0):
    """Continues each list of ids up to and with the first id of stop_ids; a batch at a time."""
    device, n = model.embd.device, max(map(len, prompts))
    rng = torch.Generator().manual_seed(seed)
    pad = torch.tensor([n - len(p) for p in prompts], device=device)
    ids = torch.tensor([[0] * (n - len(p)) + list(p) for p in prompts], device=device)
    cache, out, done = Cache(), [[] for _ in prompts], [False] * len(prompts)
    at = 0
    for _ in range(max_tokens):
        t = ids.shape[1]
        rows, columns = torch.arange(at, at + t, device=device), torch.arange(at + t, device=device)
        hidden = (columns[None, None] > rows[None, :, None]) | (columns[None, None] < pad[:, None, None])
        hidden &= columns[None, None] != rows[None, :, None]
        mask = torch.zeros(hidden.shape, device=device).masked_fill(hidden, float("-inf"))[:, None]
        where = (rows[None] - pad[:, None]).clamp(min=0)
        logits = model(ids, mask, model.cos[where][:, None], model.sin[where][:, None], cache)[:, -1]
        if temperature > 0:
            nxt = torch.multinomial(torch.softmax(logits / temperature, -1).cpu(), 1, generator=rng)[:, 0]
        else:
            nxt = logits.argmax(-1)
        at += t
        ids = nxt.to(device)[:, None]
        for i, x in enumerate(nxt.tolist()):
            if not done[i]:
                out[i].append(x)
                done[i] = x in stop_ids
        if all(done):
            break
    return out
