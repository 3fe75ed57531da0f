"""What a survey's answers hold: ratings, groups, comments, the outcome, the waves."""

from __future__ import annotations

import re

import pandas as pd

from cxlib.data import sql
from cxlib.data.intake import conversion
from cxlib.data.intake.drafts import choices
from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.plans import Plan, Question, pooled
from cxlib.data.intake.drafts.questions import Rating, asks, rankings, ratings
from cxlib.data.intake.drafts.tables import ROW, TableOf, dates_in
from cxlib.data.intake.profiles.recognition import plain

SMALL = 10  # answers of a group, below which nothing is compared
COPIES = 0.1  # of the rows, up to which equal rows are striking; short forms repeat by chance
IN_WAVE = 30  # answers that a wave made of dates shall have, on average
AGAINST = -0.2  # correlation with the outcome from which a rating seems to be reversed
YES_OR_NO = {"yes": "yes", "no": "no"}


def add_answers(plan: Plan) -> None:
    """Ratings, groups, comments, the outcome and waves of the responses, into the plan."""
    of = plan.tables["responses"]
    columns = pooled(of)
    profile = of[0].seen.profile
    ignored = {w: "missing" for w in profile.missing} if profile else {}
    if profile:
        ignored |= dict.fromkeys(profile.not_experienced, "not_experienced")
    asked = choices.several(columns, ignored)
    rest = {n: c for n, c in columns.items() if n not in asked.columns}
    plan.ratings = ratings(rest, ignored)
    rated = {r.column for r in plan.ratings}
    plan.doubts += [
        f"{n}: its wording tells what to answer, so it checks attention and is no rating; leave "
        "out who fails it with `only`"
        for n, c in rest.items()
        if asks("attention_checks").search(c.text) and len(c.counts) <= 12
    ]
    ranked = rankings(rest)
    plan.doubts += [
        f"{stem}: a ranking, 1 is first; kept as groups, not as ratings"
        for stem in dict.fromkeys(ranked.values())
    ]
    for part in of:
        part.derive |= asked.derived(set(part.free))
    plan.kept["responses"] = _groups(plan, rest, rated, ignored)
    plan.labels |= {c: columns[c].label for c in plan.kept["responses"] if columns[c].label != c}
    plan.labels |= asked.labels
    _copies(plan)
    _outcome(plan)
    _directions(plan, columns)
    _score_of_comments(plan)
    _wave(plan)
    by_doubt: dict[str, list[str]] = {}
    for r in plan.ratings:
        for d in r.doubts:
            by_doubt.setdefault(d, []).append(r.name)
    plan.doubts += [f"{', '.join(names)}: {d}" for d, names in by_doubt.items()]
    weak = [r.name for r in plan.ratings if r.sure == "low" and not r.doubts]
    if weak:
        plan.doubts.append(f"{', '.join(weak)}: rated, with high answers the good ones?")


def _groups(
    plan: Plan, rest: dict[str, Column], names: set[str], ignored: dict[str, str]
) -> list[str]:
    """The further columns that are kept; comments become a table of their own."""
    rated = [c for n, c in rest.items() if n in names]
    columns = {n: c for n, c in rest.items() if n not in names}
    texts = {n: c for n, c in columns.items() if _open_text(c)}
    _comments(plan, texts, ignored)
    kept, ranked = [], rankings(columns)
    for n, c in columns.items():
        if n in texts:
            continue
        if unique_text(c) and not asks("durations").search(c.text):
            _leave_out(plan, n, "nearly every answer differs: an id or a name?")
            continue
        kept.append(n)
        numeric = c.not_numbers == 0 and not c.labels and 2 < len(c.counts) <= 11
        if n in ranked or asks("groups").search(c.text):
            continue
        if numeric and c.numbers.index.max() <= 10:
            plan.doubts.append(
                f"{n}: numbers with nothing that speaks of a rating; kept as a group"
            )
    for c in (columns[n] for n in kept):
        sizes = c.counts
        # A group is compared where each of its values has enough answers.
        if not plan.group and 2 <= len(sizes) <= 12 and sizes.min() >= SMALL and dates_in(c) < 0.9:
            plan.group = "" if any(_bands(c, r) for r in rated) else c.name
    if "channel" in plan.tables["responses"][0].columns:
        sizes = (
            plan.tables["responses"][0]
            .seen.columns[plan.tables["responses"][0].columns["channel"]]
            .counts
        )
        plan.group = "channel" if 2 <= len(sizes) <= 12 and sizes.min() >= SMALL else plan.group
    return kept


def _copies(plan: Plan) -> None:
    """Few rows that repeat another in every cell, where no id says that they are other answers."""
    for part in plan.tables["responses"]:
        frame = part.seen.raw.frame
        copies = int(frame.astype(str).duplicated().sum())
        if part.columns.get("response_id") == ROW and 0 < copies <= COPIES * len(frame):
            plan.doubts.append(
                f"{part.seen.called}: {copies:,} row(s) repeat another row in every cell and count "
                "as answers; delete them in the file if they were sent twice"
            )


def _bands(column: Column, rating: Column) -> bool:
    """Promoters and detractors, "4 or 5": groups that the answers to a rating already decide."""
    if len(column.cells) != len(rating.cells):
        return False
    both = pd.DataFrame({"band": column.words, "answer": rating.words}).dropna()
    of_answer = both.groupby("answer")["band"].agg(["nunique", "first"])
    bands = both["band"].nunique()
    if not 1 < bands < len(of_answer) or (of_answer["nunique"] > 1).any():
        return False
    number = pd.to_numeric(of_answer.index.to_series(), errors="coerce")
    ordered = of_answer["first"].loc[number.sort_values().index].tolist()
    # A band is a run of answers; a group that chance spreads over them is none.
    turns = sum(a != b for a, b in zip(ordered, ordered[1:], strict=False))
    return bool(number.isna().any()) or turns + 1 == bands


def _leave_out(plan: Plan, column: str, why: str) -> None:
    for part in plan.tables["responses"]:
        if column in part.seen.columns:
            part.left_out[column] = why


def _open_text(column: Column) -> bool:
    """Sentences in people's own words."""
    words = column.words
    if column.labels or len(column.counts) < 5 or column.not_numbers < 0.9 * len(words):
        return False
    if dates_in(column) >= 0.5 or _chosen(words) or _codes_only(words):
        return False
    length, spaces = words.str.len().mean(), words.str.count(r"\s").mean()
    chinese = words.str.contains(r"[\u3040-\u30ff\u4e00-\u9fff]").mean() > 0.5
    named = asks("own_words").search(column.text)
    varied = len(column.counts) > max(5, 0.2 * len(words))
    return bool(
        varied
        and (length > 25 or spaces >= 3 or (chinese and length > 8) or (named and length > 8))
    )


def _chosen(words: pd.Series) -> bool:
    """Lists of answers that were offered, beside a few of one's own: their parts repeat."""
    parts = words.str.split(r"[,;┋]\s*", regex=True).explode().str.strip()
    return len(parts) > 1.5 * len(words) and parts.nunique() < 0.3 * len(parts)


def _codes_only(words: pd.Series) -> bool:
    """Letters and digits without a blank: tokens such as 7f3c-11aa, and no sentences."""
    return bool(words.str.fullmatch(r"[\x21-\x7e]+").mean() > 0.5)


def unique_text(column: Column) -> bool:
    """Short texts that hardly repeat: names, ids."""
    many = len(column.counts) > 0.8 * len(column.words) and len(column.words) > 20
    return many and column.not_numbers > 0.5 * len(column.words) and dates_in(column) < 0.5


def _comments(plan: Plan, texts: dict[str, Column], ignored: dict[str, str]) -> None:
    """The column with the most words becomes comments; the others are left out."""
    if not texts or "comments" in plan.tables:
        for n in texts:
            _leave_out(plan, n, "text in people's own words")
        return
    chosen = max(texts, key=lambda n: texts[n].words.str.len().sum())
    of = []
    for part in plan.tables["responses"]:
        theirs = next((c for c in part.free if plain(c) == plain(chosen)), None)
        if theirs is None:
            continue
        columns = {"comment_id": ROW, "response_id": part.columns["response_id"], "text": theirs}
        for ours, own in (("at", "answered_on"), ("customer_id", "customer_id")):
            if own in part.columns:
                columns[ours] = part.columns[own]
        of.append(
            TableOf(
                part.seen,
                "comments",
                columns,
                {"text": "high: sentences in people's own words"},
                rows={**part.rows, theirs: [w for w in ignored if w in texts[chosen].counts.index]},
            )
        )
    if len(of) == len(plan.tables["responses"]):
        plan.tables["comments"] = of
    for n in texts:
        if n != chosen or "comments" not in plan.tables:
            _leave_out(plan, n, "text in people's own words; one column of it makes the comments")


def _score_of_comments(plan: Plan) -> None:
    """Comments that came with the outcome have it as their score."""
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    if outcome is None or outcome.reverse:
        return
    for part in plan.tables.get("comments", []):
        if part.seen.profile is None and part.columns.get("response_id"):
            theirs = next((c for c in part.seen.columns if plain(c) == plain(outcome.column)), "")
            if theirs and "score" not in part.columns:
                part.columns["score"], part.why["score"] = theirs, "high: the outcome"


def _outcome(plan: Plan) -> None:
    """Which question the reports are about: asked where words do not say."""
    by = {role: [r for r in plan.ratings if r.role == role] for role in ("nps", "csat", "effort")}
    satisfied = [
        r
        for r in plan.ratings
        if asks("satisfied").search(f"{r.label} {r.wording} {r.column}".casefold())
    ]
    candidates = by["nps"] or by["csat"]
    if (
        not candidates
        and len([r for r in plan.ratings if r.role != "attribute"])
        and not by["effort"]
    ):
        likely = [r for r in plan.ratings if r.sure != "low"]
        felt = [r for r in likely if r.family not in ("importance", "frequency")]
        first = next(iter(satisfied or felt or likely), None)
        alone = [r for r in plan.ratings if r.scale == (0, 10)]
        if len(alone) == 1 and not alone[0].wording and alone[0].sure == "low":
            first, alone[0].role = alone[0], "nps"
        elif first is not None and first.role == "touchpoint":
            first.role = "csat"
        plan.outcome = first.name if first else ""
    elif candidates:
        plan.outcome = candidates[0].name
    chosen = next((r for r in plan.ratings if r.name == plan.outcome), None)
    sure = chosen and (
        len(by["nps"]) == 1
        or (not by["nps"] and len(by["csat"]) == 1)
        or (len(plan.ratings) == 1 and chosen.sure == "high" and chosen.family != "agreement")
    )
    if plan.ratings and not sure:
        options = {r.name: r.label for r in plan.ratings[:8]}
        options |= {plan.outcome: chosen.label} if chosen else {}
        plan.questions.append(
            Question(
                "Which question is the outcome that the reports are about?",
                {**options, "none": "none of them"},
                plan.outcome or "none",
                lambda answer: _set_outcome(plan, answer),
            )
        )


def _set_outcome(plan: Plan, answer: str) -> None:
    plan.outcome = "" if answer == "none" else answer
    for r in plan.ratings:
        if r.name == answer and r.role not in ("nps", "csat", "effort"):
            r.role = "csat"


def _directions(plan: Plan, columns: dict[str, Column]) -> None:
    """Ratings without words that run against the outcome, and German grades: is 1 the best?"""
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    bare = [r for r in plan.ratings if not r.family and r.role != "nps" and r is not outcome]
    against, grades = [], []
    for r in [
        *bare,
        *([outcome] if outcome and not outcome.family and outcome.role != "nps" else []),
    ]:
        if r.scale == (1, 6) and re.search(r"note|grade|mark\b|schulnote", columns[r.column].text):
            grades.append(r)
        elif (
            outcome
            and r is not outcome
            and _correlation(columns[outcome.column], outcome, columns[r.column], r) < AGAINST
        ):
            against.append(r)
    for some, why in ((against, "run against the outcome"), (grades, "may be school grades")):
        if not some:
            continue

        def turn(answer: str, some: list[Rating] = some) -> None:
            for r in some:
                r.reverse = answer == "yes"

        turn("yes")
        called = ", ".join(r.name for r in some)
        plan.questions.append(
            Question(
                f"{called}: the answers {why}. Is a low number the good one?",
                YES_OR_NO,
                "yes",
                turn,
            )
        )


def _correlation(x: Column, of_x: Rating, y: Column, of_y: Rating) -> float:
    both = pd.DataFrame({"x": _coded(x, of_x), "y": _coded(y, of_y)}).dropna()
    if len(both) < 30 or both.nunique().min() < 2:
        return 0.0
    return float(both.rank().corr().iloc[0, 1])


def _coded(column: Column, rating: Rating) -> pd.Series:
    words = conversion.text(column.cells)
    codes = {w: c for w, c in rating.recode.items() if c is not None}
    x = pd.to_numeric(words.astype(object).map(lambda w: codes.get(w, w)), errors="coerce")
    x = x.where(x.between(*rating.scale)).reset_index(drop=True)
    return -x if rating.reverse else x


# Waves, groups, forms


def _wave(plan: Plan) -> None:
    """A wave by quarter or month of the dates, else by file, where no column says it."""
    of = plan.tables["responses"]
    if any("wave" in p.columns for p in of):
        return
    dated = [p.columns.get("answered_on") for p in of]
    columns = [c for c in dated if c]
    if len(columns) == len(of):
        pairs = list(zip(of, columns, strict=True))
        at = [conversion.date(p.seen.columns[c].cells).values for p, c in pairs]
        when = pd.concat(at).dropna()
        for unit, form in (("quarter", "Q"), ("month", "M")):
            n = when.dt.to_period(form).nunique()
            if n > 1 and len(when) >= IN_WAVE * n:
                for p, c in pairs:
                    p.derive["wave"] = f"period({sql.name(c)}, '{unit}')"
                plan.waves = unit
                return
    if len(of) > 1:
        plan.waves = "file"
        plan.doubts.append(
            "wave: each file is taken for a survey wave, in the order of their names"
        )
