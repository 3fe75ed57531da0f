"""`python -m cxlib.cli`: the `cx` command where it is not on the path."""

from cxlib.cli import main

main(prog_name="cx")
