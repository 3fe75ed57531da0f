"""What every method returns: named tables, a finding, notes, and the resamples behind them.

    fit = drivers.importance(sample, "recommend", ["delivery", "room"])
    print(fit)                        # the finding
    fit.table                         # the main table: term, estimate, low, high, n
    fit.r2, fit.tables["r2"]          # a further table, by name
    fit.finding.claim, fit.notes

There is one class for all methods: what differs between them are the names of their tables
(`fit.tables`) and of what they fitted (`fit.parts`: a model, coefficients, thresholds). Both can be
read as attributes, and JupyterLab completes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import fitted, i18n
from cxlib.core.columns import Column
from cxlib.core.display import display_table
from cxlib.core.finding import Finding as Finding
from cxlib.core.finding import Importance as Importance
from cxlib.privacy import disclosure

SHOWN_ROWS = 20  # of a table that nobody asked for
NO_FORMULAS = "mathjax_ignore tex2jax_ignore"  # "$5 to $9" is no formula, whatever shows it


@dataclass(frozen=True, eq=False)
class Result:
    """A result that can be kept, sent and compared with ==.

    Attributes
    ----------
    tables : name -> tidy table (grouping columns, then term, estimate, low, high, n), the main one
        first; one table is named "table"
    finding : what a reader is told; a sentence is made one
    notes : what was left out and why, in the page's language
    unit : of the main table's estimates: "points", "share", "scale", a currency ...
    columns : what the tables' columns hold, of those that are not in `core.columns.COMMON`
    draws, seed : of the bootstrap behind the intervals; 0 draws where there is none
    replicates : the main table's estimates in each draw, (draws, rows), NaN where a draw has none;
        all estimates of one seed resample the same clusters
    parts : name -> whatever else was fitted; not shown, and not compared

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["nps"], "estimate": [25.0], "n": [40]})
    >>> fit = Result(table, "NPS is 25.", unit="points", parts={"scale": (0, 10)})
    >>> str(fit), fit.scale, fit == Result(table.copy(), "NPS is 25.", unit="points")
    ('NPS is 25.', (0, 10), True)
    """

    tables: Mapping[str, pd.DataFrame]
    finding: Finding
    notes: str = ""
    unit: str = ""
    columns: tuple[Column, ...] = field(default=(), kw_only=True)
    draws: int = field(default=0, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    replicates: np.ndarray | None = field(default=None, kw_only=True, repr=False)
    parts: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)

    def __init__(
        self,
        tables: pd.DataFrame | Mapping[str, pd.DataFrame],
        finding: Finding | str,
        notes: str = "",
        unit: str = "",
        *,
        columns: Iterable[Column] = (),
        draws: int = 0,
        seed: int = 0,
        replicates: np.ndarray | None = None,
        parts: Mapping[str, Any] | None = None,
    ) -> None:
        named = {"table": tables} if isinstance(tables, pd.DataFrame) else dict(tables)
        if not named:
            raise ValueError("a Result has at least one table.")
        told = Finding(finding) if isinstance(finding, str) else finding
        # Whatever prints them (a page, a chart title, run.json), sentences keep the rule of tables.
        said = f"{told.claim} {told.detail}"
        hiding = disclosure.hiding(named.values())
        if disclosure.tells_of_hidden(said, hiding):
            told = Finding(disclosure.left_out())
        notes = disclosure.without_hidden(notes, hiding)
        values = {
            "tables": named,
            "finding": told,
            "notes": notes,
            "unit": unit,
            "columns": tuple(columns),
            "draws": draws,
            "seed": seed,
            "replicates": replicates,
            "parts": dict(parts or {}),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls, fit: Any, finding: Finding | str = "", *, unit: str = "", notes: str = ""
    ) -> Result:
        """A Result of a model that statsmodels or scikit-learn fitted.

        Parameters
        ----------
        fit : the fitted model (`core.fitted.table_of` says which)
        finding : what readers are told of it, in the page's language
        unit : of the coefficients
        notes : what was left out and why

        Returns
        -------
        Result whose table has term, estimate and, where the model knows them, low, high and n; its
        part "model" is the fit itself.

        Examples
        --------
        >>> import statsmodels.formula.api as smf
        >>> rows = pd.DataFrame({"recommend": [1, 4, 5, 8], "delivery": [1, 2, 3, 4]})
        >>> fit = Result.of(smf.ols("recommend ~ delivery", rows).fit(), "Delivery matters.")
        >>> fit.table[["term", "estimate", "n"]].round(2).values.tolist()
        [['Intercept', -1.0, 4], ['delivery', 2.2, 4]]
        """
        return cls(fitted.table_of(fit), finding, notes, unit, parts={"model": fit})

    @property
    def bootstrap(self) -> dict[str, Any]:
        """`draws` and `seed`, as methods take them by name."""
        return {"draws": self.draws, "seed": self.seed}

    @property
    def table(self) -> pd.DataFrame:
        """The main table."""
        return next(iter(self.tables.values()))

    def only(self, name: str) -> Result:
        """One of the tables as a Result of its own, in the same units and without the finding.

        Examples
        --------
        >>> tables = {"table": pd.DataFrame({"estimate": [0.5]}), "later": pd.DataFrame({"n": [9]})}
        >>> alone = Result(tables, "Half.", unit="share").only("later")
        >>> list(alone.tables), alone.unit, str(alone)
        (['later'], 'share', '')
        """
        return self.replace(tables={name: self.tables[name]}, finding=Finding(""), notes="")

    def replace(self, **changes: Any) -> Result:
        """A copy with other notes, finding, unit ..."""
        return replace(self, **changes)

    def __getattr__(self, name: str) -> Any:
        for part in ("tables", "parts"):
            found = self.__dict__.get(part, {})
            if name in found:
                return found[name]
        there = ", ".join([*self.__dict__.get("tables", {}), *self.__dict__.get("parts", {})])
        raise AttributeError(f"this Result has no {name!r}. It has: {there}.")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables, *self.parts]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return (
            list(self.tables) == list(other.tables)
            and all(t.equals(other.tables[name]) for name, t in self.tables.items())
            and (self.finding, self.notes, self.unit, self.draws, self.seed)
            == (other.finding, other.notes, other.unit, other.draws, other.seed)
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.finding.claim

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} ({len(t)} rows)" for name, t in self.tables.items())
        return f"<Result: {self.finding.claim} Tables: {tables}>"

    def _shown(self) -> pd.DataFrame:
        shown = display_table(self.table, self.unit, columns=self.columns)
        return shown.head(SHOWN_ROWS)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        table = self._shown().to_string(index=False)
        printer.text("..." if cycle else f"{self}\n{table}\n{self.notes}")

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        # The audit of the page learns here what the two representations hide.
        why = disclosure.hidden(self.table)
        return {}, {"cxlab_audit": disclosure.audit(self.table, why)} if (why != "").any() else {}

    def _repr_html_(self) -> str:
        """Finding, main table formatted by unit, notes: never more than 20 rows unasked."""
        claim, detail, notes = map(
            escape, (self.finding.claim, i18n.line(self.finding.detail), self.notes)
        )
        html = f"<p><strong>{claim}</strong></p>" if claim else ""
        html += f"<p>{detail}</p>" if detail else ""
        if len(self.table):
            html += self._shown().to_html(index=False)
        if (more := len(self.table) - SHOWN_ROWS) > 0:
            html += f"<p><small>… {more:,} more rows in <code>.table</code></small></p>"
        html += f"<p><small>{notes}</small></p>" if notes else ""
        return f'<div class="{NO_FORMULAS}">{html}</div>'
