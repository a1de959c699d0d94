"""libllm as a model of other packages. Each module needs its package; importing this one needs none."""

from importlib.util import find_spec

PACKAGES = {"langchain": "langchain_core", "lm_eval": "lm_eval"}


def available() -> list[str]:
    """The adapters whose package is installed."""
    return [name for name, package in PACKAGES.items() if find_spec(package)]
