"""Numbers through the buffer protocol: no copy, no lists, alive as long as somebody looks at them."""

import gc
import subprocess
import sys

import libllm
import pytest


def test_views_outlive_what_they_came_from(path):
    model = libllm.Model(path, n_ctx=128)
    result = model.generate("Once upon a time", max_tokens=20, n_logprobs=4)
    ids, logprobs, top = result.ids, result.logprobs, result.top_ids
    expected = ids.tolist(), logprobs.tolist(), top.tolist()
    model.close()
    del model, result
    gc.collect()
    libllm.Model(path, n_ctx=128).generate("The dog", max_tokens=50, n_logprobs=4)
    assert (ids.tolist(), logprobs.tolist(), top.tolist()) == expected


def test_results_are_read_only_and_what_is_ones_own_is_not(model):
    result = model.generate("Once", max_tokens=4, n_logprobs=2)
    for view in (result.ids, result.logprobs, result.top_ids, result.top_logprobs):
        assert view.readonly
        with pytest.raises(TypeError):
            view[(0,) * view.ndim] = 1
    assert not model.embed("a").readonly
    assert result.top_ids.shape == (4, 2) and result.top_ids.strides == (16, 8)
    assert len(model.generate("Once", max_tokens=0).ids) == 0
    assert model.generate("Once", max_tokens=2).top_ids.shape[0] in (0, 2)


def test_numpy_copies_nothing(model):
    numpy = pytest.importorskip("numpy")
    result = model.generate("Once upon a time", max_tokens=6, n_logprobs=3)
    ids, again = numpy.asarray(result.ids), numpy.asarray(result.ids)
    assert ids.dtype == numpy.int32 and ids.ctypes.data == again.ctypes.data
    top = numpy.asarray(result.top_logprobs)
    assert top.shape == (6, 3) and (numpy.diff(top, axis=1) <= 0).all()
    assert numpy.asarray(model.embed(["a", "b"])).shape == (2, model.info.n_embd)
    for dtype in ("int32", "int64"):
        assert model.generate(ids.astype(dtype), max_tokens=3).text == model.generate(result.ids, max_tokens=3).text
    for wrong in (ids.astype("float32"), ids.reshape(2, 3), ids.astype("int8")):
        with pytest.raises((TypeError, ValueError)):
            model.generate(wrong)
    assert model.detokenize(ids[::2]) == model.detokenize(ids[::2].tolist()), "strides are honoured or copied"
    with pytest.raises(OverflowError):
        model.generate(numpy.array([2**40]))
    assert model.generate("Once", max_tokens=numpy.int64(2), temperature=numpy.float32(0)).ids.shape == (2,)


def test_without_numpy(path):
    program = (
        "import sys; sys.modules['numpy'] = None; import libllm; m = libllm.Model(sys.argv[1], n_ctx=64);"
        "print(m.generate('Once', max_tokens=2).ids.tolist() and m.embed('a').shape)"
    )
    out = subprocess.run([sys.executable, "-c", program, path], check=True, capture_output=True, text=True).stdout
    assert out.startswith("(1, ")
