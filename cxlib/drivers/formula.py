"""Drivers written as a formula, as statsmodels and R take it: "recommend ~ delivery + C(plan)".

drivers.importance(sample, "recommend ~ delivery + room + C(plan)")
drivers.gains(*drivers.formula(sample, "recommend ~ delivery + np.log(spend)"))
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.drivers.specification import Answers, Drivers, Specification, specify
from cxlib.stats.moments import Moments

if TYPE_CHECKING:
    from formulaic import SimpleFormula

CODINGS = {"Treatment", "Sum", "Helmert", "Diff", "Poly"}  # of categories, inside C()
FUNCTIONS = {"C", "I", "Q", "bs", "cc", "center", "cr", "cs", "exp", "log", "log10", "log2", "poly"}
FUNCTIONS |= {"scale", "standardize"}


def formula(sample: SampleLike, text: str) -> tuple[Sample, str, dict[str, list[str]]]:
    """Sample, outcome and drivers of a formula, as every function of drivers takes them.

    Parameters
    ----------
    sample : answers, a row each
    text : "outcome ~ term + term", as formulaic and R read it; a term is a column, a transformation
        (`np.log(spend)`, `bs(age, df=3)`) or a category (`C(plan)`, a text column), whose columns
        enter together. Nothing but columns, arithmetic and such functions is evaluated.

    Returns
    -------
    The sample with a column of numbers for each column of the design, the name of the outcome, and
    the columns of each term. Rows that lack an answer to any term are NaN in the new columns.

    Raises
    ------
    InsufficientData : no row has all answers
    ValueError : a formula that cannot be read, columns or functions that do not exist, interactions
        (their share depends on that of the columns they are made of) and models without intercept

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [9, 7, 3, 8.0], "room": [1, 2, 4, np.nan]})
    >>> rows["plan"] = ["basic", "plus", "plus", "basic"]
    >>> found, outcome, drivers = formula(rows, "recommend ~ np.log2(room) + C(plan)")
    >>> outcome, drivers
    ('recommend', {'np.log2(room)': ['np.log2(room)'], 'plan': ['plan = plus']})
    >>> found["np.log2(room)"].tolist()
    [0.0, 1.0, 2.0, nan]
    """
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    sample = as_sample(sample)
    rows = sample.data.reset_index(drop=True)
    left, right = _parsed(text, rows)
    crossed = [str(term) for term in right if len(term.factors) > 1]
    if crossed:
        raise ValueError(
            f"formula {text!r}: the interaction {crossed[0]!r} has no share of its own: it "
            "depends on the columns it is made of. Leave it out; statsmodels tests it on "
            "`sample.data`."
        )
    if not any(str(term) == "1" for term in right):
        raise ValueError(f"formula {text!r}: shares of R² need the intercept. Leave out '- 1'.")
    if len(right) == 1:
        raise ValueError(f"formula {text!r} has no drivers. Name the columns that may explain it.")
    try:
        made = Formula(lhs=left, rhs=right).get_model_matrix(rows, context={}, output="pandas")
    except (FormulaicError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(_unreadable(text, error, rows)) from error
    if made.lhs.shape[1] != 1:
        raise ValueError(
            f"formula {text!r}: the outcome has {made.lhs.shape[1]} columns; it must be one number."
        )
    if not len(made.lhs):
        raise InsufficientData(_("No response answers all questions of the formula."))
    columns, terms = [made.lhs], {}
    for term, at in made.rhs.model_spec.term_slices.items():
        if str(term) != "1":
            part = made.rhs.iloc[:, at].rename(columns=_column)
            columns.append(part)
            terms[re.sub(r"^C\((\w+)\)$", r"\1", str(term))] = list(part)
    whole = pd.concat(columns, axis=1).astype(float).reindex(rows.index)
    whole = whole.set_axis(sample.data.index)
    if not whole.columns.is_unique:
        raise ValueError(f"formula {text!r}: a column stands in it twice. Name each once.")
    new = whole.loc[:, ~whole.columns.isin(rows.columns)]
    return sample.assign(**dict(new.items())), made.lhs.columns[0], terms


def _parsed(text: str, rows: pd.DataFrame) -> tuple[SimpleFormula, SimpleFormula]:
    """Both sides of a formula, whose terms are columns and the functions that formulas know."""
    from formulaic import Formula, SimpleFormula
    from formulaic.errors import FormulaicError
    from formulaic.parser.types import Factor

    if text.count("~") != 1:
        raise ValueError(f"formula {text!r}: write it as 'outcome ~ driver + driver'.")
    try:
        found = Formula(text)
    except (FormulaicError, SyntaxError) as error:
        raise ValueError(_unreadable(text, error, rows)) from error
    left, right = (getattr(found, side, None) for side in ("lhs", "rhs"))
    if not (isinstance(left, SimpleFormula) and isinstance(right, SimpleFormula)):
        raise ValueError(f"formula {text!r}: write it as 'outcome ~ driver + driver'.")
    columns = {str(c) for c in rows.columns}
    factors = [(f, side is right) for side in (left, right) for term in side for f in term.factors]
    for factor, literal in factors:
        if factor.eval_method is Factor.EvalMethod.LITERAL:
            known = literal  # the intercept
        elif factor.eval_method is Factor.EvalMethod.LOOKUP:
            known = factor.expr in columns
        else:
            known = _harmless(factor.expr, columns)
        if not known:
            raise ValueError(
                f"formula {text!r}: {factor.expr!r} is neither a column nor a function of columns "
                f"that formulas know. Columns: {_some(rows)}. Functions: those of numpy that "
                f"work by value, as np.log, and {', '.join(sorted(FUNCTIONS))}; inside them a "
                "column whose name is not a word is Q('its name')."
            )
    return left, right


def _harmless(expression: str, columns: set[str]) -> bool:
    """Whether an expression only computes with columns: formulaic evaluates it as Python."""
    try:
        return _computes(ast.parse(expression, mode="eval").body, columns)
    except SyntaxError:  # `a name`, too: Q("a name") is the way to write it inside a function
        return False


def _computes(node: ast.AST, columns: set[str]) -> bool:
    """Whether a node is a column, or arithmetic, comparison or a known function of columns."""
    match node:
        case ast.Name():
            return node.id in columns
        case ast.UnaryOp():
            return _computes(node.operand, columns)
        case ast.BinOp():  # one side holds a column: 9 ** 9 ** 9 would never end
            sides = (node.left, node.right)
            return any(_computes(s, columns) for s in sides) and all(
                _computes(s, columns) or _number(s) for s in sides
            )
        case ast.Compare():
            return all(
                _computes(s, columns) or isinstance(s, ast.Constant)
                for s in (node.left, *node.comparators)
            )
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name)):
            function = getattr(np, name, None)  # with its inputs alone, it writes into no column
            return (
                isinstance(function, np.ufunc)
                and "np" not in columns
                and not node.keywords
                and len(node.args) == function.nin
                and all(_computes(a, columns) or _number(a) for a in node.args)
            )
        case ast.Call(func=ast.Name(id=name)):
            return (
                name in FUNCTIONS
                and name not in columns
                and all(_computes(a, columns) or _option(a) for a in node.args)
                and all(k.arg and k.arg[0] != "_" and _option(k.value) for k in node.keywords)
            )
    return False


def _number(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _option(node: ast.AST) -> bool:
    """A value, a list of values, or a coding of categories such as Treatment('pro')."""
    if isinstance(node, ast.List | ast.Tuple):
        return all(_option(v) for v in node.elts)
    coding = isinstance(node, ast.Name) and node.id in CODINGS
    return (
        coding
        or isinstance(node, ast.Constant)
        or _number(node)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in CODINGS
            and all(_option(v) for v in (*node.args, *(k.value for k in node.keywords)))
        )
    )


def _unreadable(text: str, error: Exception, rows: pd.DataFrame) -> str:
    return f"formula {text!r}: {str(error).splitlines()[0]} Columns: {_some(rows)}."


def _some(rows: pd.DataFrame) -> str:
    return ", ".join(map(str, rows.columns[:20]))


def _column(name: str) -> str:
    """A column of the design; those of categories are named as drivers name them."""
    return re.sub(r"^(?:C\((\w+)\)|(\w+))\[T\.(.*)\]$", _level, name)


def specified(
    answers: Answers,
    outcome: str,
    drivers: Drivers | None,
    missing: str,
    covariates: Sequence[str],
    *,
    in_rows: bool = True,
) -> Specification:
    """The regression of an outcome and its drivers, or of a formula without drivers."""
    if drivers is None:
        if isinstance(answers, Moments):
            raise ValueError("a formula needs a row for each answer, not sums. Pass the Sample.")
        if missing != "complete":
            raise ValueError("a formula takes complete answers: missing='complete'.")
        answers, outcome, drivers = formula(answers, outcome)
    return specify(answers, outcome, drivers, missing, covariates, in_rows=in_rows)


def _level(match: re.Match[str]) -> str:
    """The column of a category, named as drivers name those of text columns."""
    return f"{match[1] or match[2]} = {match[3]}"
