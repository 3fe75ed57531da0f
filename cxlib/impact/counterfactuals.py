"""What the treated would have answered: a synthetic control, or the trend before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.causal import synthetic_control as synthetic
from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.impact import wording
from cxlib.impact.effects import cells_of, segmented_regression, treated_groups, wave_means
from cxlib.impact.trial import Trial, require_controls

SHORT = 20  # residual degrees of freedom below which related waves make intervals short


def synthetic_control(trial: Trial) -> Result:
    """Compare the treated with a weighted mean of control groups that followed them before.

    Parameters
    ----------
    trial : from `read`, with two control groups and two waves before the change at least

    Returns
    -------
    Result of the first outcome with the tables

    - table: of ("treated", "synthetic control"), wave, term, estimate, low, high, n, changed
      (whether the change was in place)
    - donors: term (control group), estimate (its share of the synthetic control), low, high, n

    and the parts effect, low, high (mean gap over the waves after) and p (share of groups that look
    as much changed; NaN without controls)

    Raises
    ------
    InsufficientData : fewer control groups or waves, or a group without answers in some wave

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), JASA 105(490); Arkhangelsky and others (2021), American
    Economic Review 111(12)
    """
    require_controls(trial)
    cells = cells_of(trial)
    treated, use = treated_groups(trial), trial.before | trial.after
    controls = np.flatnonzero(~treated)
    pool = np.where(treated, cells.share, 0.0) / cells.share[treated].sum()
    own = cells.means @ pool[:, None]
    y = np.vstack([own.estimate[:, use], cells.means.estimate[controls][:, use]])
    fit = synthetic.synthetic_control(y, 0, int(trial.before.sum()), method="sdid")
    low, high = own.interval()
    table = pd.concat(
        [
            _line(
                "treated",
                trial,
                use,
                estimate=own.estimate[0, use],
                low=low[0, use],
                high=high[0, use],
                n=cells.count[treated][:, use].sum(0),
            ),
            _line(
                "synthetic control",
                trial,
                use,
                estimate=fit.counterfactual,
                low=np.nan,
                high=np.nan,
                n=cells.count[controls][:, use].sum(0),
            ),
        ],
        ignore_index=True,
    )
    donors = pd.DataFrame(
        {
            "term": [trial.groups[g] for g in controls],
            "estimate": fit.weights[1:],
            "low": np.nan,
            "high": np.nan,
            "n": cells.count[controls].sum(1),
        }
    )
    ends = fit.interval()
    largest = donors.sort_values("estimate", ascending=False).head(3)
    claim = _(
        "Compared with a synthetic control, the effect is {effect}.",
        effect=wording.signed(fit.effect, trial.units[0]),
    )
    detail = _(
        "95% CI {span}; weights: {parts:list}",
        span=wording.span(*ends, trial.units[0]),
        parts=[_donor(str(row.term), row.estimate) for row in largest.itertuples()],
    )
    if fit.p == fit.p:
        detail = _(
            "{detail}; {share:share} of the groups, itself included, look as much changed",
            detail=detail,
            share=fit.p,
        )
    note = _("Interval from placebo effects: each control group is taken for treated in turn.")
    said = claim, detail, note
    return _packed(trial, {"table": table, "donors": donors}, said, (fit, *ends, fit.p))


def interrupted_time_series(trial: Trial) -> Result:
    """Compare the treated with the trend of the waves before, carried on.

    Parameters
    ----------
    trial : from `read`; no controls are needed

    Returns
    -------
    Result of the first outcome: table: of ("treated", "trend before"), wave, term, estimate, low,
    high, n, changed; and the parts effect, low, high (mean gap over the waves after)

    Raises
    ------
    InsufficientData : too few waves for a trend and a break

    References
    ----------
    Wagner and others (2002), J. Clinical Pharmacy and Therapeutics 27(4)
    """
    means = wave_means(trial)
    fit = segmented_regression(trial, means)
    use = np.arange(len(trial.waves)) < len(fit.counterfactual)
    low, high = means.interval()
    rows = (trial.arm == 1) & ~np.isnan(trial.y[:, 0])
    n = np.bincount(trial.wave[rows], minlength=len(trial.waves))[use]
    estimate, low, high = (v[use, 0] for v in (means.estimate, low, high))
    table = pd.concat(
        [
            _line("treated", trial, use, estimate=estimate, low=low, high=high, n=n),
            _line(
                "trend before",
                trial,
                use,
                estimate=fit.counterfactual,
                low=np.nan,
                high=np.nan,
                n=n,
            ),
        ],
        ignore_index=True,
    )
    claim = ngettext(
        "Compared with the trend of the {n:count} wave before, the effect is {effect}.",
        "Compared with the trend of the {n:count} waves before, the effect is {effect}.",
        trial.before.sum(),
        effect=wording.signed(fit.effect, trial.units[0]),
    )
    detail = _("95% CI {span}", span=wording.span(fit.low, fit.high, trial.units[0]))
    note = _(
        "Residual degrees of freedom of the trends: {free:count}; with few, take it as a hint.",
        free=fit.free,
    )
    if fit.free < SHORT:
        note += " " + _(
            "Where neighbouring waves of so short a series are strongly related, 95% intervals "
            "hold in some 88 to 92 of 100 studies (autocorrelation 0.8 and 0.6)."
        )
    said = claim, detail, note
    return _packed(trial, {"table": table}, said, (fit, fit.low, fit.high, np.nan))


def _line(of: str, trial: Trial, use: np.ndarray, **numbers: Any) -> pd.DataFrame:
    """The waves of one line of the table."""
    table = pd.DataFrame(
        {"of": of, "wave": np.array(trial.waves)[use], "term": trial.outcomes[0], **numbers}
    )
    return table.assign(changed=trial.after[use])


def _packed(
    trial: Trial,
    tables: dict[str, pd.DataFrame],
    said: tuple[str, str, str],
    fit: tuple[Any, float, float, float],
) -> Result:
    (claim, detail, note), (model, low, high, p) = said, fit
    effect = float(model.effect)
    return Result(
        tables,
        Finding(claim, detail, value=effect, unit=trial.unit, importance=Importance.METHOD),
        note,
        trial.unit,
        **trial.bootstrap,
        parts={"effect": effect, "low": low, "high": high, "p": p},
    )


def _donor(group: str, share: float) -> str:
    return _("{group} {share}", group=i18n.label(group), share=i18n.percent(share))
