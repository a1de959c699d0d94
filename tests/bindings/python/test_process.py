"""Threads, asyncio, Ctrl-C, fork, and memory over many calls."""

import asyncio
import math
import signal
import threading

import libllm
import pytest

PROMPTS = [f"Once upon a time {i}" for i in range(12)]
OPTIONS = {"max_tokens": 16, "temperature": 0.9, "seed": 5}


def test_threads_with_a_model_each_give_what_one_gives(model, path):
    expected = [r.ids.tolist() for r in model.generate(PROMPTS, **OPTIONS)]
    found = {}

    def work(name):
        with libllm.Model(path, n_ctx=128) as own:
            found[name] = [own.generate(prompt, **OPTIONS).ids.tolist() for prompt in PROMPTS]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: expected, 1: expected}


def test_threads_may_share_a_model(model):
    expected = [r.ids.tolist() for r in model.generate(PROMPTS, **OPTIONS)]
    score, rows = model.score("The sky is", " blue").logprob, model.embed("a dog").tolist()
    found, failures = {}, []

    def work(i):
        try:
            found[i] = model.generate(PROMPTS[i], **OPTIONS).ids.tolist()
            assert "".join(model.stream(PROMPTS[i], **OPTIONS)) == model.generate(PROMPTS[i], **OPTIONS).text
            assert model.score("The sky is", " blue").logprob == score
            assert model.embed("a dog").tolist() == rows
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(PROMPTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [found[i] for i in range(len(PROMPTS))] == expected


def test_the_interpreter_runs_while_the_library_computes(path, monkeypatch):
    """Other threads do so within one call, which is long: all of a prompt in one step by portable kernels."""
    ticks, within, stop, real = [], [], threading.Event(), libllm.native.llm_engine_step

    def step(engine):
        before = len(ticks)
        n_active = real(engine)
        within.append(len(ticks) - before)
        return n_active

    def tick():
        while not stop.wait(0.001):
            ticks.append(1)

    monkeypatch.setattr(libllm.native, "llm_engine_step", step)
    thread = threading.Thread(target=tick)
    thread.start()
    with libllm.Model(path, n_ctx=4096, n_batch=4096, n_threads=1, runtime=libllm.Runtime(cpu_mask=0)) as model:
        model.generate("the little dog ran home and " * 200, max_tokens=1)
    stop.set()
    thread.join()
    assert max(within) > 5


def test_closing_while_another_thread_computes(path, steps):
    model = libllm.Model(path, n_ctx=1024)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(model.generate("Once", max_tokens=300, ignore_eos=True)))
    steps.allow(0)
    thread.start()
    steps.reach(3)
    model.close()
    steps.allow(math.inf)
    thread.join()
    assert len(answers[0].ids) == 300


def test_asyncio(model, steps, once):
    async def main():
        expected = [r.text for r in model.generate(PROMPTS, **OPTIONS)]
        results = await asyncio.gather(*(model.agenerate(prompt, **OPTIONS) for prompt in PROMPTS))
        assert [r.text for r in results] == expected
        assert (await model.achat("Hello!", max_tokens=9)).text == model.chat("Hello!", max_tokens=9).text
        async with model.astream(PROMPTS[0], **OPTIONS) as stream:
            assert "".join([piece async for piece in stream]) == expected[0]
            assert stream.result.text == expected[0]
        events = [event async for event in model.achat_stream("Hello!", max_tokens=3, ignore_eos=True).events()]
        assert events[-1].finish == "length"
        before = steps.n
        steps.allow(before)
        task = asyncio.create_task(model.agenerate("Once", max_tokens=900, ignore_eos=True))
        await asyncio.sleep(0)
        steps.reach(before + 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        steps.allow(math.inf)
        assert (await model.agenerate("Once", max_tokens=2)).text == once
        assert steps.n - before < 100, "what was cancelled is not computed"

    asyncio.run(main())


def test_a_cancelled_task_waits_for_nobody(model, steps, once):
    """Neither for a free thread nor for the tasks beside it, nor even for an engine that stands still."""

    async def main():
        steps.allow(0)
        tasks = [asyncio.create_task(model.agenerate(p, max_tokens=900, ignore_eos=True)) for p in PROMPTS * 4]
        short = asyncio.create_task(model.agenerate("Once", max_tokens=2))
        await asyncio.sleep(0)
        steps.reach(3)
        tasks[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[-1]
        for task in tasks[:40]:
            task.cancel()
        steps.allow(500)
        assert (await asyncio.wait_for(short, 120)).text == once and not tasks[-2].done()
        for task in tasks:
            task.cancel()
        steps.allow(math.inf)
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def test_two_threads_may_read_one_stream(model):
    expected = model.generate("Once", max_tokens=60, ignore_eos=True).text
    stream, pieces = model.stream("Once", max_tokens=60, ignore_eos=True), []
    threads = [threading.Thread(target=lambda: pieces.extend(stream), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert sorted("".join(pieces)) == sorted(expected)


def test_without_a_further_thread(model, monkeypatch, once):
    def refused(*unused):
        raise RuntimeError("can't start new thread")

    stream = model.stream("Once", max_tokens=2)
    monkeypatch.setattr("_thread.start_new_thread", refused)
    assert model.generate("Once", max_tokens=2).text == once, "computed in the thread that asks"
    for _ in range(2):
        with pytest.raises(RuntimeError):
            next(stream)
    monkeypatch.undo()
    assert "".join(stream) == once


# ---- Ctrl-C ----

# Interrupts itself once the call has computed for a while, and says how much it computed after that: processor time does
# not depend on what else the machine does.
INTERRUPTED = """
import os, signal, sys, threading, time, libllm
model = libllm.Model(sys.argv[1], n_ctx=1024 if sys.argv[2] != "prefill" else 8192, n_batch=8192, n_threads=1,
                     runtime=libllm.Runtime(cpu_mask=0))
long = "the little dog ran home and " * 1100
calls = {
    "generate": lambda: [model.generate("Once", max_tokens=1000, ignore_eos=True) for _ in range(50)],
    "prefill": lambda: model.generate(model.tokenize(long)[:8000], max_tokens=1),
    "stream": lambda: [list(model.stream("Once", max_tokens=1000, ignore_eos=True)) for _ in range(50)],
    "score": lambda: model.score([(str(i) + long[:2000], " x") for i in range(300)]),
    "embed": lambda: model.embed([str(i) + long[:2000] for i in range(300)]),
    "ask": lambda: [model.ask("Hello", max_tokens=900, ignore_eos=True, extract="number") for _ in range(50)],
}
asked = []
def interrupt(end):
    while time.process_time() < end:
        time.sleep(0.01)
    asked.append(time.process_time())
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, args=[time.process_time() + 0.3], daemon=True).start()
try:
    calls[sys.argv[2]]()
except KeyboardInterrupt:
    print("interrupted", time.process_time() - asked[0], flush=True)
    print(model.generate("Once", max_tokens=2).text)
else:
    print("too early")
"""


@pytest.mark.parametrize("call", ["generate", "prefill", "stream", "score", "embed", "ask"])
def test_ctrl_c_ends_a_call_and_leaves_the_model_usable(run_python, call, once):
    line, text = run_python(INTERRUPTED, call).splitlines()
    assert line.startswith("interrupted") and text == once
    delay = float(line.split()[1])
    print(f"{call}: {delay * 1000:.1f} ms")
    assert delay < 0.1


def test_ctrl_c_at_the_very_end_of_a_call(monkeypatch):
    """The lock is ours already when the signal is answered: nobody will release it once more."""
    from libllm import _run

    class Late:
        def __init__(self, real=_run._thread.allocate_lock):
            self.lock = real()
            self.release = self.lock.release

        def acquire(self, timeout=-1):
            got = self.lock.acquire(timeout=timeout)
            if got and timeout == _run.LOOK:
                raise KeyboardInterrupt
            return got

    def cancel():
        told.append(1)
        assert len(told) < 20, "it waits for a call that has ended"

    told = []
    monkeypatch.setattr(_run._thread, "allocate_lock", Late)
    with pytest.raises(KeyboardInterrupt):
        _run.interruptible(lambda: 3, cancel)


LOADING = """
import sys, threading, libllm
from libllm import native
real, left = getattr(native, sys.argv[2]), threading.Event()
def slow(*arguments):
    print("ready", flush=True)
    left.wait()
    return real(*arguments)
setattr(native, sys.argv[2], slow)
try:
    libllm.Model(sys.argv[1])
except KeyboardInterrupt:
    left.set()
setattr(native, sys.argv[2], real)
print(libllm.Model(sys.argv[1]).generate("Once", max_tokens=2).text)
"""


@pytest.mark.parametrize("call", ["llm_model_load", "llm_engine_create"])
def test_ctrl_c_ends_the_wait_for_a_load(run_python, call, once):
    """The engine of a large model takes long to make and cannot be stopped: it ends by itself and is dropped. Here it
    ends only once the wait for it has ended."""
    process = run_python(LOADING, call, wait=False)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == once + "\n"


# ---- fork ----

FORKED = """
import os, sys, libllm
model = libllm.Model(sys.argv[1], n_ctx=64)
stream = model.stream("Once", max_tokens=8)
next(stream)
child = os.fork()
if child == 0:
    said = []
    for call in (lambda: model.generate("x"), lambda: next(stream), lambda: model.tokenize("x")):
        try:
            call()
        except libllm.StateError as error:
            said.append("fork()" in str(error))
    model.close()
    del model, stream
    own = libllm.Model(sys.argv[1], n_ctx=64)
    said.append(own.generate("Once", max_tokens=2).text == sys.argv[2])
    os._exit(0 if said == [True] * 4 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("".join(stream))
"""


def test_fork_is_noticed(run_python, once):
    assert run_python(FORKED, once).strip()


# ---- memory ----

# In processes of their own: memory that is neither of a file, of which the system takes what it likes, nor free.
MEMORY = """
import ctypes, os, sys, time, libllm
def n_threads():
    return len(os.listdir("/proc/self/task"))
at_rest = n_threads()
def own_bytes():
    while n_threads() > at_rest:  # one that computed has not yet let go of what it used
        time.sleep(0.001)
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        _, resident, of_files, *_ = map(int, file.read().split())
    return (resident - of_files) * os.sysconf("SC_PAGE_SIZE")
"""

GENERATIONS = """
model = libllm.Model(sys.argv[1], n_ctx=64, n_threads=1)
schema = libllm.Grammar(model, regex="[ab]{3}")
def some(n):
    for i in range(n // 100):
        for result in model.generate([f"{i} {k}" for k in range(90)], max_tokens=1, n_logprobs=1, stop=["zzz"]):
            result.ids, result.logprobs, result.top_ids, result.stats
        for k in range(8):
            model.generate("x", grammar=schema, stop_tokens=[5], logit_bias={6: 1.0})
        list(model.stream("x", max_tokens=1))
        model.score("a", "b"), model.embed("a"), model.render("x").ids, model.tokenize("some text")
        for wrong in ({"top_p": 9}, {"nothing": 1}):
            try:
                model.generate("x", **wrong)
            except libllm.OptionError:
                continue
            sys.exit(f"{wrong} was taken")
some(1000)
before = own_bytes()
some(10_000)
print(own_bytes() - before)
"""

MODELS = """
for i in range(30):
    if i == 10:
        before = own_bytes()
    with libllm.Model(sys.argv[1], n_ctx=64) as model:
        model.generate("x", max_tokens=1)
    libllm.Prompt([{"question": "a", "answer": "b"}]).fill("c")
del model
print(own_bytes() - before)
"""


def test_memory_is_flat_over_10000_generations(run_python):
    assert int(run_python(MEMORY + GENERATIONS)) < 1 << 20


def test_models_come_and_go(run_python):
    assert int(run_python(MEMORY + MODELS)) < 1 << 19


LEFT = """
import sys, threading, libllm
model = libllm.Model(sys.argv[1])
stream = model.stream("Once", ignore_eos=True)
print(next(stream))
threading.Thread(target=lambda: model.generate("x", max_tokens=900, ignore_eos=True), daemon=True).start()
"""


def test_a_program_may_end_while_the_library_computes(run_python):
    for _ in range(5):
        assert run_python(LEFT)


LAST = """
import atexit, sys, libllm
model = libllm.Model(sys.argv[1], n_ctx=64)
say = lambda: print(model.generate("Once", max_tokens=2).text, end="", flush=True)
class Last:
    def __init__(self, say):
        self.say = say
    def __del__(self):
        self.say()
atexit.register(say)
last = Last(say)
"""


def test_a_model_may_be_used_while_the_interpreter_ends(run_python, once):
    assert run_python(LAST) == once * 2
