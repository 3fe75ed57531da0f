"""What judged actions of the same kind suggest for a new one, beside what its owner predicts.

    fit = expected_by_kind(ledger)
    fit.table           # term (kind), estimate, low, high (of a new action), judged
    fit.open            # problem, kind, predicted ..., estimate, low, high, comparison

Realised effects are estimates with errors of their own; true effects vary about the mean of their
kind, and these about the mean of all (`stats.new_member`). The interval is that of the true effect
of one new action: wide after few, since actions of one kind differ.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.actions.gains import NORMAL
from cxlib.actions.ledger import INNER, OPEN, complete
from cxlib.core.columns import Column
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result

ABOVE, BELOW, WITHIN, UNKNOWN = mark(
    "above the interval", "below the interval", "within the interval", "not known"
)
ENDS = ["estimate", "low", "high"]
PREDICTED = ["predicted", "predicted_low", "predicted_high"]
WORDS = ("judged actions of its kind", "kind of action", "compared with judged ones", "experience")


def expected_by_kind(ledger: pd.DataFrame, *, worth: float = 0.0) -> Result:
    """Predict the effect of a new action of each kind from the judged actions of the ledger.

    Parameters
    ----------
    ledger : actions, as the contract has them; the kind is their `class`. Judged are those done
        with a realised effect and its interval. Effects of the measure that most of them have
        are compared; one on a part of the customers, whose unit is worth less, counts as the effect
        on all that is worth the same
    worth : value of a unit of an effect in a year, where the ledger gives none

    Returns
    -------
    Result with the tables

    - table: term (kind), estimate (expected effect of a new action, in units of the study's usual
      worth), low, high (95% prediction interval), judged (actions, no customers); missing where
      nothing is known of a kind
    - open: open actions with a prediction: problem, kind, predicted, predicted_low, predicted_high,
      estimate, low, high (of a new action of the kind, in the action's own units), comparison
    - comparison: problem, term ("predicted", "judged actions of its kind"), estimate, low, high

    Both are empty with fewer than 2 judged actions.

    References
    ----------
    Higgins, Thompson and Spiegelhalter (2009), J. Royal Statistical Society A 172(1); Morris
    (1983), Journal of the American Statistical Association 78

    Examples
    --------
    >>> done = {"status": "done", "class": "process", "measure": "NPS"}
    >>> effects = [(1.0, 0.4, 1.6), (1.2, 0.4, 2.0), (0.8, 0.2, 1.4)]
    >>> rows = [done | dict(zip(("realised", "realised_low", "realised_high"), e, strict=True))
    ...         for e in effects]
    >>> expected_by_kind(pd.DataFrame(rows)).table[["term", "judged"]].values.tolist()
    [['process', 3]]
    """
    # SciPy takes a moment to import, and only pages come here.
    from cxlib.stats.new_member import FEWEST, predict_new

    rows = complete(ledger)
    rows = rows[~rows["class"].eq(INNER).fillna(True)]
    error = (rows["realised_high"] - rows["realised_low"]) / (2 * NORMAL)
    judged = rows[rows["status"].eq("done") & rows["realised"].notna() & (error > 0)]
    measure = judged["measure"].mode()
    if len(measure):
        rows = rows[rows["measure"].eq(measure[0]).fillna(False)]
        judged = judged[judged["measure"].eq(measure[0]).fillna(False)]
    waiting = rows[rows["status"].isin(OPEN) & rows["predicted"].notna()].reset_index(drop=True)
    if len(judged) < FEWEST:
        return _too_few(len(judged))
    unit = rows["worth"].fillna(worth if worth > 0 else np.nan).astype(float)
    usual = unit.mode().iloc[0] if unit.notna().any() else 1.0
    share = (unit.fillna(usual) / usual).replace(0, np.nan)  # of all customers, by worth
    of_all = share[judged.index]
    kinds = [str(k) for k in judged["class"]]
    wanted = list(dict.fromkeys([*kinds, *waiting["class"].astype(str)]))
    found = predict_new(
        (judged["realised"] * of_all).to_numpy(float),
        ((error[judged.index] * of_all) ** 2).to_numpy(float),
        kinds,
        wanted,
    )
    table = pd.DataFrame(
        {"term": wanted, "estimate": found.mean, "low": found.low, "high": found.high}
    ).assign(judged=[kinds.count(k) for k in wanted])
    own = unit[rows["status"].isin(OPEN) & rows["predicted"].notna()].fillna(usual).to_numpy()
    standing = _open(waiting, table, own / usual)
    unit_of = "points" if len(measure) and str(measure[0]).upper() == "NPS" else ""
    return Result(
        {"table": table, "open": standing, "comparison": _comparison(standing)},
        _finding(standing, len(judged)),
        _(
            "Effects of {n:count} judged actions, pooled partially by kind; the interval is a 95% "
            "prediction interval of the true effect of one new action. Effects on a part of the "
            "customers count as the effect on all that is worth the same.",
            n=len(judged),
        ),
        unit_of,
        columns=[
            Column("judged", unit="count", label="judged actions"),
            *(Column(c, unit=unit_of) for c in PREDICTED),
            *(Column(c, unit="name") for c in ("comparison", "kind")),
        ],
        parts={"effect_unit": unit_of},
    )


def _too_few(n: int) -> Result:
    claim = ngettext(
        "Only {n:count} action has been judged: what a new one would bring is not known yet.",
        "Only {n:count} actions have been judged: what a new one would bring is not known yet.",
        n,
    )
    if not n:
        claim = _("No action has been judged: what a new one would bring is not known yet.")
    empty = pd.DataFrame(columns=["term", *ENDS, "judged"])
    standing = pd.DataFrame(columns=["problem", "kind", *PREDICTED, *ENDS, "comparison"])
    tables = {"table": empty, "open": standing, "comparison": _comparison(standing)}
    return Result(tables, Finding(claim), parts={"effect_unit": ""})


def _open(waiting: pd.DataFrame, table: pd.DataFrame, share: np.ndarray) -> pd.DataFrame:
    """Open actions with what judged ones of their kind suggest, in each action's own units."""
    known = table.set_index("term")[ENDS].reindex(waiting["class"].astype(str)).to_numpy(float)
    ends = pd.DataFrame(known / share[:, None], columns=ENDS)
    own = waiting[["problem", "class", *PREDICTED]].rename(columns={"class": "kind"})
    rows = pd.concat([own.astype({c: float for c in PREDICTED}), ends], axis=1)
    compared = np.select(
        [rows["low"].isna(), rows["predicted"] > rows["high"], rows["predicted"] < rows["low"]],
        [UNKNOWN, ABOVE, BELOW],
        WITHIN,
    )
    return rows.assign(comparison=compared)


def _comparison(standing: pd.DataFrame) -> pd.DataFrame:
    """Both intervals of each open action of a kind that is known, for a figure."""
    known = standing[standing["low"].notna()]
    names = dict(zip(PREDICTED, ENDS, strict=True))
    own = known[["problem", *PREDICTED]].rename(columns=names).assign(term="predicted")
    others = known[["problem", *ENDS]].assign(term="judged actions of its kind")
    both = pd.concat([own, others]) if len(known) else others
    return both[["problem", "term", *ENDS]].reset_index(drop=True)


def _finding(standing: pd.DataFrame, judged: int) -> Finding:
    known = standing[standing["comparison"] != UNKNOWN]
    if known.empty:
        return Finding(
            _("No judged action is of the kind of an open one."),
            ngettext("{n:count} judged action", "{n:count} judged actions", judged),
        )
    outside = known[known["comparison"] != WITHIN]
    first = (outside if len(outside) else known).iloc[0]
    words = {
        "problem": first["problem"],
        "predicted": first["predicted"],
        "expected": first["estimate"],
        "span": (first["low"], first["high"]),
    }
    if first["comparison"] == ABOVE:
        claim = _(
            "“{problem:label}” is predicted to bring more than judged actions of its kind suggest.",
            **words,
        )
    elif first["comparison"] == BELOW:
        claim = _(
            "“{problem:label}” is predicted to bring less than judged actions of its kind suggest.",
            **words,
        )
    else:
        claim = ngettext(
            "The predicted effect of {n:count} open action is compatible with judged actions of "
            "its kind.",
            "The predicted effects of {n:count} open actions are compatible with judged actions "
            "of their kinds.",
            len(known),
        )
    counted = ngettext("{n:count} judged action", "{n:count} judged actions", judged)
    detail = _(
        "“{problem:label}”: predicted {predicted:signed}; a new action of its kind is expected to "
        "bring {expected:signed} (95% prediction interval {span:interval1}); {counted}",
        counted=counted,
        **words,
    )
    return Finding.of_row(
        first,
        claim,
        detail,
        unit="points",
        measure="effect_by_kind",
        at={"kind": str(first["kind"])},
        importance=Importance.NOTABLE if len(outside) else Importance.CONTEXT,
    )
