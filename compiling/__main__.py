"""``python -m compiling``: builds what ``pipeline.runtime.compiled`` names, in place, with mypyc and a C compiler."""

from __future__ import annotations

import sys

from mypyc.build import mypycify
from setuptools import Distribution
from setuptools.errors import BaseError, CCompilerError

from pipeline.runtime.compiled import GROUP, MODULES, ROOT, STAMP, built, digest, source_of

BUILD = "build/compiled"


def remove() -> None:
    """Remove what was built: from now on the modules are interpreted."""
    STAMP.unlink(missing_ok=True)
    for one in built():
        one.unlink()


def build() -> None:
    """Build all modules, and note of which sources.

    Raises:
        BaseError: there is no compiler.
        CCompilerError: it fails.

    """
    sources = [str(source_of(name).relative_to(ROOT)) for name in MODULES]
    extensions = mypycify(sources, opt_level="3", debug_level="0", target_dir=BUILD, group_name=GROUP)
    distribution = Distribution({"name": "fraud-pipeline", "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.inplace, command.build_temp, command.build_lib = 1, BUILD, BUILD
    command.force = 1  # what lies in BUILD may be of another compiler
    distribution.run_command("build_ext")
    STAMP.write_text(digest())


def main() -> int:
    """Build, or leave nothing behind; return the exit code."""
    remove()
    try:
        build()
    except (BaseError, CCompilerError) as error:
        remove()
        sys.stderr.write(f"not compiled, all runs interpreted; it takes a C compiler and Python's headers: {error}\n")
        return 1
    sys.stdout.write(f"compiled: {len(MODULES)} modules; after a change of them: make compiled, or make interpreted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
