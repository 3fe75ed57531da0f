"""Causal designs: did the change do it? Arrays in, estimates with their bootstrap replicates out.

    experiment                  difference of arms, and the one adjusted for earlier answers (CUPED)
    difference_in_differences   treated and control before and after; event study and its bounds
    staggered                   units treated at different times, against those not yet treated
    matching                    control customers weighted to look like the treated
    propensity                  chance of being treated, and matched pairs
    synthetic_control           one treated unit and a mixture of controls
    interrupted_time_series     one series with a break
    regression_to_the_mean      the same customers, less the return of extreme scores
    sensitivity                 how strong an unmeasured confounder would have to be
    sequential                  several looks at one experiment: boundaries, repeated intervals
    equivalence                 alike within a margin: two one-sided tests (TOST)
    power                       what a comparison could detect before it is made

Nothing here speaks to readers; `trials` does. Import each by its name:
`from cxlib.causal import matching`.
"""
