"""python -m libllm --version | --backends"""

import argparse

import libllm


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m libllm", description="What this build of libllm is.")
    parser.add_argument("--version", action="version", version=f"libllm {libllm.__version__}")
    parser.add_argument("--backends", action="store_true", help="list the back ends and whether they can be used here")
    if not parser.parse_args().backends:
        parser.print_help()
        return
    for backend in libllm.backends():
        print(f"{backend.name:12} {backend.description}" + ("" if backend.usable else f" (unusable: {backend.reason})"))


if __name__ == "__main__":
    main()
