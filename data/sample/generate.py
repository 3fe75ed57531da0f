"""Write the tables of the made-up company beside this script: python data/sample/generate.py.

The same seed gives the same bytes; what is true of the company stands in `generator/truth.py`.
"""

from __future__ import annotations

from pathlib import Path

import generator

if __name__ == "__main__":
    for file in generator.write(Path(__file__).parent, seed=1):
        print(f"{file.name}: {file.stat().st_size:,} bytes")
