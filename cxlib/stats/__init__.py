"""Statistics on arrays: no page, no sentence and no topic is known here.

stats.bootstrap(sample, lambda rows, weights: ...)     # a statistic of one's own, with its interval
"""

from cxlib.stats.statistic import bootstrap

__all__ = ["bootstrap"]
