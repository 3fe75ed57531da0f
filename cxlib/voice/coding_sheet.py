"""Comments to be coded by people: drawn in strata, masked, and read again with every mistake named.

    sheet = voice.coding_sheet(marked, fit, 200)     # a row a comment, a column a topic, empty
    codes = voice.checked_codes(sheet, ids, topics)  # comment_id, stands_for, a column a topic

The strata are the rarest topic that a comment mentions, so that rare topics are coded too; each
comment stands for as many as its stratum has for each one drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from cxlib.core.errors import require_columns
from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample

ID, WEIGHT, DONE, SEAL = "comment_id", "stands_for", "done", "seal"
FIXED = (ID, WEIGHT, "text", DONE, SEAL)
CODES = ("-1", "0", "1")
MARKS = ("x", "yes", "y", "1", "true", "是")  # what `done` may hold
SHOWN = 5  # mistakes that a message names


def coding_sheet(sample: SampleLike, fit: Result, n: int = 200, seed: int = 1) -> pd.DataFrame:
    """Draw comments for people to code, without what the machine reads in them.

    Parameters
    ----------
    sample : comments of `mark`, with comment_id
    fit : of `topics`
    n : how many to draw, at most as many as there are
    seed : of the draw

    Returns
    -------
    Table with comment_id, stands_for (comments that each stands for), text (masked), done (empty:
    to be marked with an x) and an empty column for each topic, for 1 (positive), 0 (neutral) or -1
    (negative), left empty where the comment does not mention it; last a seal, by which
    `checked_codes` finds rows that were removed or changed. In random order.

    Examples
    --------
    >>> from cxlib.voice.topics import mark, topics
    >>> rows = pd.DataFrame({"comment_id": range(9), "text": ["late"] * 3 + ["fine"] * 6})
    >>> fit = topics(rows.assign(lang="en"), {"delivery": {"en": ["late"]}})
    >>> float(coding_sheet(mark(rows.assign(lang="en"), fit), fit, 4)["stands_for"].sum())
    9.0
    """
    rows = as_sample(sample).data
    require_columns(rows, [ID, "text"], "comments")
    names = fit.table["term"].tolist()
    rng = np.random.default_rng(seed)
    stratum = _strata(rows[names].to_numpy(float) > 0)
    sizes = np.bincount(stratum)
    drawn = _allocated(sizes, min(n, len(rows)))
    chosen = [
        rng.choice(np.flatnonzero(stratum == h), m, replace=False) for h, m in enumerate(drawn) if m
    ]
    place = rng.permutation(np.concatenate(chosen))
    weight = sizes[stratum[place]] / drawn[stratum[place]]
    sheet = pd.DataFrame(
        {
            ID: rows[ID].to_numpy()[place],
            WEIGHT: weight.round(6),
            "text": rows["text"].to_numpy()[place],
            DONE: "",
        }
    )
    return sheet.assign(**dict.fromkeys(names, ""), **{SEAL: seals(sheet)})


def seals(sheet: pd.DataFrame, drawn: int | None = None) -> pd.Series:
    """What each row was drawn as: how many were drawn, and a hash of its comment and weight.

    Parameters
    ----------
    sheet : comment_id and stands_for
    drawn : rows drawn; those of the sheet by default

    Examples
    --------
    >>> rows = pd.DataFrame({"comment_id": ["a", "b"], "stands_for": [2.0, 7.5]})
    >>> seals(rows)[0] == seals(rows.head(1), 2)[0], seals(rows)[0][:5]
    (True, 'of 2:')
    """
    n = len(sheet) if drawn is None else drawn
    rows = zip(sheet[ID].astype(str), sheet[WEIGHT].astype(float), strict=True)
    # Four digits of the weight: a spreadsheet may round the others away.
    parts = [hashlib.sha256(f"{n}|{i}|{w:.4g}".encode()).hexdigest()[:12] for i, w in rows]
    return pd.Series([f"of {n}: {part}" for part in parts], index=sheet.index, dtype=object)


def _strata(mentioned: np.ndarray) -> np.ndarray:
    """The rarest topic that each comment mentions; the last stratum for none."""
    rarest_first = np.argsort(mentioned.sum(0), kind="stable")
    ordered = mentioned[:, rarest_first]
    first = ordered.argmax(1) if ordered.shape[1] else np.zeros(len(mentioned), int)
    stratum = np.where(ordered.any(1), first, ordered.shape[1])
    return np.unique(stratum, return_inverse=True)[1]


def _allocated(sizes: np.ndarray, n: int) -> np.ndarray:
    """How many of each stratum: by the root of its size, two or more where there are."""
    drawn = np.minimum(sizes, 2)
    if drawn.sum() > n:  # fewer than two of each: as many strata as there can be
        drawn = np.minimum(sizes, 1)
        drawn[np.argsort(sizes, kind="stable")[: max(len(sizes) - n, 0)]] = 0
    while drawn.sum() < n:
        want = np.where(drawn < sizes, np.sqrt(sizes) / (drawn + 1), -1.0)
        drawn[int(want.argmax())] += 1
    return drawn


def checked_codes(
    sheet: pd.DataFrame, known: Collection[object], topics: Sequence[str], name: str = "the file"
) -> pd.DataFrame:
    """The codes of a sheet as numbers; every mistake is named with its row.

    Parameters
    ----------
    sheet : as `coding_sheet` made it, filled in; every cell as text
    known : identifiers of the comments of the study
    topics : topics that may be coded
    name : what messages call the file

    Returns
    -------
    Table with comment_id, stands_for and a column a topic: -1, 0, 1 or missing; the comments that
    were coded (a code or a mark in `done`).

    Raises
    ------
    ValueError : columns, comments or codes that are not right, rows that are not as they were
        drawn, or none coded

    Examples
    --------
    >>> sheet = pd.DataFrame({"comment_id": ["1"], "stands_for": ["2"], "done": ["x"], "late": "1"})
    >>> checked_codes(sheet.assign(seal=seals(sheet)), ["1"], ["late"])["late"].tolist()
    [1.0]
    """
    if missing := [c for c in (ID, WEIGHT, DONE, SEAL) if c not in sheet]:
        raise ValueError(
            f"{name} has no column {', '.join(missing)}. Fill in a file of `cx coding export` and "
            "keep its columns."
        )
    columns = [c for c in sheet if c not in FIXED]
    if strange := [c for c in columns if c not in topics]:
        raise ValueError(
            f"{name}: {len(strange)} columns are no topics of the study: "
            f"{', '.join(map(repr, strange[:SHOWN]))}. Its topics: {', '.join(topics)}."
        )
    text = sheet.fillna("").astype(str).apply(lambda column: column.str.strip())
    codes = text[columns].replace({"+1": "1", "1.0": "1", "0.0": "0", "-1.0": "-1", "−1": "-1"})
    wrong = [
        f"row {row + 2}, {column}: {codes[column].iat[row]!r}"
        for column in columns
        for row in np.flatnonzero(~codes[column].isin([*CODES, ""]))
    ]
    marks = text[DONE].str.casefold()
    unknown = np.flatnonzero(~marks.isin(["", *MARKS]))
    wrong += [f"row {row + 2}, {DONE}: {text[DONE].iat[row]!r} (x or empty)" for row in unknown]
    ids = {str(k) for k in known}
    comma = text[WEIGHT].str.replace(r"^(\d+),(\d+)$", r"\1.\2", regex=True)  # as Excel may save it
    weight = pd.to_numeric(comma, errors="coerce").astype(float)
    checks = {
        f"row {{}}: no comment {ID} {{!r}}": (text[ID], ~text[ID].isin(ids)),
        f"row {{}}: {ID} {{!r}} stands there twice": (text[ID], text[ID].duplicated()),
        f"row {{}}, {WEIGHT}: {{!r}}": (text[WEIGHT], ~((weight > 0) & (weight < np.inf))),
    }
    for words, (column, bad) in checks.items():
        wrong += [words.format(row + 2, column.iat[row]) for row in np.flatnonzero(bad)]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ValueError(
            f"{name} has {len(wrong)} mistakes: {'; '.join(wrong[:SHOWN])}{more}. Codes are 1, 0, "
            f"-1 or empty; leave {ID} and {WEIGHT} as they are."
        )
    _refuse_unlike_drawn(text.assign(**{WEIGHT: weight}), name)
    done = (text[DONE] != "") | (codes != "").any(axis=1)
    if not done.any():
        raise ValueError(
            f"{name}: no comment is coded. Write 1, 0 or -1 under the topics, and x under {DONE}."
        )
    numbers = codes.apply(pd.to_numeric, errors="coerce").astype(float)
    found = pd.concat([text[[ID]], weight.rename(WEIGHT), numbers], axis=1)
    return found[done].reset_index(drop=True)


def _refuse_unlike_drawn(rows: pd.DataFrame, name: str) -> None:
    """Raise ValueError where rows of the draw are gone, are another draw's, or were changed.

    The rows that are left would stand for too few comments, and every share would be wrong.
    """
    sizes = rows[SEAL].str.extract(r"^of (\d+):")[0]
    if sizes.isna().any() or sizes.nunique() != 1:
        what = "no seal of an export" if sizes.isna().any() else "seals of several exports"
        raise ValueError(
            f"{name} has {what} in its column {SEAL}. Import the rows of one `cx coding export`, "
            f"with {SEAL} as it was."
        )
    drawn = int(sizes.iloc[0])
    changed = np.flatnonzero(rows[SEAL] != seals(rows, drawn))
    if len(changed):
        where = ", ".join(str(row + 2) for row in changed[:SHOWN])
        raise ValueError(
            f"{name}: {ID} or {WEIGHT} of {len(changed)} rows is not as it was drawn (row {where}"
            f"{' ...' * (len(changed) > SHOWN)}). Take both from the file that was exported."
        )
    if gone := drawn - len(rows):
        raise ValueError(
            f"{name} lacks {gone} of the {drawn} rows that were drawn. Put them back; a comment "
            "that was not coded is left empty."
        )
