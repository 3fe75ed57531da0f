"""Customer experience research: from raw files to reports with honest intervals.

Import the modules you need (`from cxlib import plots, scores`); each is one topic and opens with
five lines of use. CONTRIBUTING.md draws the map.
"""

__version__ = "0.2.0"
