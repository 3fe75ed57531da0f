"""What a survey's answers hold: ratings, groups, comments, the outcome, the waves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from cxlib.data import sql
from cxlib.data.intake import conversion
from cxlib.data.intake.copies import copies
from cxlib.data.intake.drafts import (
    choices,
    comments,
    computed,
    groups,
    scales,
    special,
    stated,
    unparsed,
)
from cxlib.data.intake.drafts.labels import distinct, label
from cxlib.data.intake.drafts.looking import Column, slug
from cxlib.data.intake.drafts.parts import ROW, TableOf
from cxlib.data.intake.drafts.plans import Plan, Question, pooled
from cxlib.data.intake.drafts.questions import Rating, asks, coded, rankings, ratings
from cxlib.data.intake.drafts.texts import open_text, unique_text

COPIES = 0.1  # of the rows, up to which equal rows are striking; short forms repeat by chance
BEYOND_CHANCE = 5  # times as many equal rows as chance explains, above that share
IN_WAVE = 30  # answers that a wave made of dates shall have, on average
NPS_BANDS = re.compile(r"(^|_)(nps|net_?promoter)(_score)?_(group|category|segment|band|type)$")
UNFINISHED = re.compile(
    r"partial(ly)?( complete(d)?)?|partial response|incomplete|not completed?|unfinished"
    r"|in progress|abandoned|started|disqualified|screened? ?out|quota ?full|unvollständig"
    r"|teilweise|abgebrochen|incomplet|incompleto|parcial|partiel|未完成|部分完成|未提交|途中|yarım|tamamlanmadı",
    re.IGNORECASE,
)
AGAINST = -0.2  # correlation with the outcome from which it is asked whether a rating is reversed
REVERSED = -0.4  # and from which the answer proposed is yes: turned wrongly, the best is the worst
ANY_SCORE = "answers 0 to 10: is it the likelihood to recommend? Then `role: nps`, for an NPS"
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
    rest = _without_bands(plan, rest)
    plan.ratings = ratings(rest, ignored)
    rest = _without_computed(plan, rest)
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
    plan.labels |= _group_labels({c: columns[c].label for c in plan.kept["responses"]})
    plan.labels |= asked.labels
    _copies(plan)
    _outcome(plan)
    _directions(plan, columns)
    plan.doubts += _no_customers({n: columns[n] for n in plan.kept["responses"]})
    plan.doubts += [d for p in of for d in _unfinished(p)]
    comments.score(plan)
    groups.choose(plan, rest)
    _wave(plan)
    by_doubt: dict[str, list[str]] = {}
    for r in plan.ratings:
        for d in r.doubts:
            by_doubt.setdefault(d, []).append(r.label)
    plan.doubts += [f"{', '.join(names)}: {d}" for d, names in by_doubt.items()]
    weak = [r.label for r in plan.ratings if r.sure == "low" and not r.doubts]
    if weak:
        plan.doubts.append(f"{', '.join(weak)}: rated, with high answers the good ones?")


def _without_bands(plan: Plan, columns: dict[str, Column]) -> dict[str, Column]:
    """The columns but codes of detractors, passives and promoters, which tools add to an NPS."""
    bands = [
        n
        for n, c in columns.items()
        if NPS_BANDS.search(slug(n)) and not c.not_numbers and len(c.counts) <= 3
    ]
    for n in bands:
        comments.leave_out(plan, n, "detractors, passives and promoters, by the answer to NPS")
    return {n: c for n, c in columns.items() if n not in bands}


def _without_computed(plan: Plan, columns: dict[str, Column]) -> dict[str, Column]:
    """The columns but those that are computed from ratings, which are left out."""
    made = computed.made_of(plan.ratings, columns)
    for n, of in made.items():
        shown = ", ".join(label(columns[c].label) for c in of[:3])
        shown += f" and {len(of) - 3} others" * (len(of) > 3)
        comments.leave_out(plan, n, f"computed from {shown}, and no answer of its own")
    plan.ratings = [r for r in plan.ratings if r.column not in made]
    for r in plan.ratings:
        if computed.CALLED.search(columns[r.column].text):
            r.doubts.append("called a mean: is it computed from other answers? Then leave it out")
    return {n: c for n, c in columns.items() if n not in made}


def _groups(
    plan: Plan, rest: dict[str, Column], names: set[str], ignored: dict[str, str]
) -> list[str]:
    """The further columns that are kept; comments become a table of their own."""
    columns = {n: c for n, c in rest.items() if n not in names}
    texts = {n: c for n, c in columns.items() if open_text(c)}
    comments.add(plan, texts, ignored)
    kept, ranked = [], rankings(columns)
    for n, c in columns.items():
        if n in texts:
            continue
        if unique_text(c) and not asks("durations").search(c.text):
            comments.leave_out(plan, n, "nearly every answer differs: an id or a name?")
            continue
        kept.append(n)
        no_answer = sum(int(k) for w, k in c.counts.items() if scales.no_rating(str(w)))
        numbers = [x for x in c.numbers.index if x not in special.NO_ANSWER]
        numeric = c.not_numbers <= no_answer and not c.labels and 2 < len(numbers) <= 11
        if n in ranked or asks("groups").search(c.text):
            continue
        if odd := unparsed.rating(c, plan.tables["responses"]):
            plan.doubts.append(odd)
        elif numeric and max(numbers) <= 10:
            plan.doubts.append(
                f"{label(c.label)}: numbers with nothing that speaks of a rating; kept as a group"
            )
    return kept


def _group_labels(wordings: dict[str, str]) -> dict[str, str]:
    """Short labels of the groups, each different from all others."""
    short = [label(w, group=True) for w in wordings.values()]
    return {
        c: made
        for c, made in zip(wordings, distinct(short, list(wordings)), strict=True)
        if made != c
    }


def _no_customers(columns: dict[str, Column]) -> list[str]:
    """Rows of tests and of one's own staff, by what a column of kinds says of them."""
    found = []
    for n, c in columns.items():
        other = groups.no_customers(c)
        if other.empty:
            continue
        shown = ", ".join(f"{many:,} {w}" for w, many in other.items())
        only = f"{sql.name(n)} not in ({', '.join(sql.text(w) for w in other.index)})"
        found.append(
            f"{label(c.label, group=True)}: {shown}. If these are no customers, leave them out "
            f"with `only: {only}`"
        )
    return found


def _unfinished(part: TableOf) -> Iterator[str]:
    """Answers that a column calls partial and that no profile of the tool leaves out."""
    for n, c in part.seen.columns.items():
        if n in part.rows or not 2 <= len(c.counts) <= 20:
            continue
        some = c.counts[[bool(UNFINISHED.fullmatch(str(w).strip())) for w in c.counts.index]]
        if len(some) and len(some) < len(c.counts):
            shown = ", ".join(f"{many:,} {w}" for w, many in some.items())
            only = f"{sql.name(n)} not in ({', '.join(sql.text(w) for w in some.index)})"
            yield (
                f"{part.seen.called}: by {n!r} some answers are not complete ({shown}) and count "
                f"like the others. `only: {only}` leaves them out"
            )


def _copies(plan: Plan) -> None:
    """Rows that repeat another in every cell, where no id says that they are other answers.

    Of a short form many do by chance: then they are asked about only where they are more than that.
    """
    for part in plan.tables["responses"]:
        if part.columns.get("response_id") != ROW or part.repeated:
            continue
        frame = part.seen.raw.frame
        n, by_chance = copies(frame.astype(str))
        if 0 < n <= COPIES * len(frame) or n > BEYOND_CHANCE * by_chance:
            plan.doubts.append(
                f"{part.seen.called}: {n:,} row(s) repeat another row in every cell and count "
                "as answers; delete them in the file if they were sent twice"
            )


def _outcome(plan: Plan) -> None:
    """Which question the reports are about: asked where words do not say."""
    by = {role: [r for r in plan.ratings if r.role == role] for role in ("nps", "csat", "effort")}
    satisfied = [
        r
        for r in plan.ratings
        if asks("satisfied").search(f"{r.label} {r.wording} {r.column}".casefold())
    ]
    candidates = by["nps"] or by["csat"]
    if not candidates and [r for r in plan.ratings if r.role != "attribute"] and not by["effort"]:
        likely = [r for r in plan.ratings if r.sure != "low"]
        felt = [r for r in likely if r.family not in ("importance", "frequency")]
        first = next(iter(satisfied or felt or likely), None)
        alone = [r for r in plan.ratings if r.scale == (0, 10) and not r.wording]
        named = _named_nps(plan)
        if len(alone) == 1 and (alone[0].sure == "low" or named and alone[0] not in satisfied):
            first, alone[0].role = alone[0], "nps"
            alone[0].why += ", and the file's name" if named else ""
        elif first is not None and first.role == "touchpoint":
            first.role = "csat"
        plan.outcome = first.name if first else ""
        if first is not None and first.scale == (0, 10) and first.role == "csat":
            first.doubts += [] if first in satisfied else [ANY_SCORE]
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


def _named_nps(plan: Plan) -> bool:
    """Whether the name of a file says that it holds an NPS."""
    titles = (p.seen.title.casefold().replace("_", " ") for p in plan.tables["responses"])
    return any(asks("nps").search(title) for title in titles)


def _set_outcome(plan: Plan, answer: str) -> None:
    plan.outcome = "" if answer == "none" else answer
    for r in plan.ratings:
        if r.name == answer and r.role not in ("nps", "csat", "effort"):
            r.role = "csat"


def _directions(plan: Plan, columns: dict[str, Column]) -> None:
    """Ratings without words that run against the outcome, and German grades: is 1 the best?"""
    outcome = next((r for r in plan.ratings if r.name == plan.outcome), None)
    bare = [
        r
        for r in sorted(plan.ratings, key=lambda r: r is outcome)
        if not r.family
        and r.role != "nps"
        and stated.reverse(columns[r.column].label, r.scale) is None
    ]
    against, turned, grades = list[Rating](), list[Rating](), list[Rating]()
    for r in bare:
        if r.scale == (1, 6) and re.search(r"note|grade|mark\b|schulnote", columns[r.column].text):
            grades.append(r)
        elif outcome and r is not outcome:
            alike = _correlation(columns[outcome.column], outcome, columns[r.column], r)
            if alike < AGAINST:
                (turned if alike < REVERSED else against).append(r)
    for some, why, proposed in (
        (turned, "run against the outcome", "yes"),
        (against, "run a little against the outcome", "no"),
        (grades, "may be school grades", "yes"),
    ):
        if not some:
            continue

        def turn(answer: str, some: list[Rating] = some) -> None:
            for r in some:
                r.reverse = answer == "yes"

        turn(proposed)
        called = ", ".join(r.label for r in some)
        plan.questions.append(
            Question(
                f"{called}: the answers {why}. Is a low number the good one?",
                YES_OR_NO,
                proposed,
                turn,
            )
        )


def _correlation(x: Column, of_x: Rating, y: Column, of_y: Rating) -> float:
    both = pd.DataFrame({"x": coded(x, of_x), "y": coded(y, of_y)}).dropna()
    if len(both) < 30 or both.nunique().min() < 2:
        return 0.0
    return float(both.rank().corr().iloc[0, 1])


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
