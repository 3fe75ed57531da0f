"""What a page's process sees of the world: the same on every run."""

from __future__ import annotations

import os
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def for_pages(empty: Path) -> dict[str, str]:
    """The environment: one thread for each BLAS, no user's IPython files, fixed string hashes.

    Two workers whose BLAS take two threads each lose 15% on two cores, and start-up files in
    ~/.ipython would reach the pages. `empty` stands in for ~/.ipython.
    """
    return {
        **os.environ,
        **dict.fromkeys(THREADS, "1"),
        "IPYTHONDIR": str(empty),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
