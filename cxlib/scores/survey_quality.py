"""Doubtful responses: duplicates, speeders, straight-lining, break-offs, previews and tests.

    fit = scores.survey_quality(sample, study.asked(), outcome="recommend")
    fit.table              # a row a check: share of the responses it doubts, and its effect
    fit.flags              # the same for each response

Nothing is left out: the checks only report. Each is a sign, no proof; a satisfied customer may well
give every question the best mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.schema import Item
from cxlib.scores import group_means
from cxlib.scores.answers import not_experienced, numbers, read
from cxlib.scores.measures import Measure, measure_of
from cxlib.scores.questions import never_asked
from cxlib.stats.intervals import percentile_interval, wilson_interval

LEAST_LINE = 6  # questions of one scale answered alike
LEAST_VECTOR = 10  # answers that two responses share
BY_CHANCE = 0.001  # responses expected to share an answer vector by chance
FASTEST = 2.0  # seconds a question
FRACTION = 1 / 3  # of the median duration
LEAST_LEFT = 0.2  # share of the questions that a break-off leaves unanswered, two at least
DURATION = re.compile(
    r"duration|interviewtime|time_?(taken|spent)|所用时间|答题时长|填写时长", re.I
)
STARTED = re.compile(r"start_?(date|time|ed)?(_?(on|at))?|开始(答题|填写)?时间", re.I)
ENDED = re.compile(
    r"(end|submit|complet)_?(date|time|ed)?(_?(on|at))?|(结束|提交)(答卷|答题)?时间", re.I
)
STATUS = re.compile(r"status|response_?type|distribution_?channel|preview|is_?test|状态", re.I)
NOT_REAL = re.compile(r"preview|\btests?\b|\bspam\b|测试|预览", re.I)
ANY = "any of these"


def survey_quality(
    sample: SampleLike,
    asked: Mapping[str, Item],
    *,
    outcome: str = "",
    measure: Measure | None = None,
    duration: str = "",
) -> Result:
    """Share of doubtful responses by check, and what leaving them out changes in the main number.

    Parameters
    ----------
    sample : responses. Columns `customer_id`, `wave` and `answered_on`, a duration, start and end
        times and a status are used where they are
    asked : the questions by item, in the order of the questionnaire, as study.yaml declares them
    outcome : the question of the main number; none without
    measure : of the outcome; the one that belongs to its role without
    duration : column of the duration in seconds; found by its name without

    Returns
    -------
    Result whose table has term (the check), estimate (share of the responses), low, high (95%
    Wilson interval), n, responses (how many) and, with an outcome, effect (the main number without
    these responses minus that of all, shares in percentage points), effect_low and effect_high (95%
    bootstrap interval, the same clusters for both). The part "flags" holds a column a check for
    each response.

    Raises
    ------
    InsufficientData : no response, or none of the questions is there

    References
    ----------
    Greszki, Meyer and Schoen (2015), Public Opinion Quarterly 79(2), for speeders; Johnson (2005),
    Journal of Research in Personality 39, for long strings.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": list("abca"), "speed": [3, 4, 5, 3]})
    >>> fit = survey_quality(rows, {"speed": Item(label="Speed", scale=(1, 5))})
    >>> fit.table[["term", "responses"]].values.tolist()
    [['duplicate respondents', 1], ['break-offs', 0], ['any of these', 1]]
    """
    sample = as_sample(sample)
    asked = {i: q for i, q in asked.items() if i in sample}
    if not asked or not len(sample):
        raise InsufficientData(_("There are no answers to check."))
    flags = pd.DataFrame(dict(_flags(sample.data, asked, duration)), index=sample.data.index)
    flags[ANY] = flags.any(axis=1)
    hits, n = flags.sum().to_numpy(), len(flags)
    low, high = wilson_interval(hits / n, np.full(len(hits), n))
    table = pd.DataFrame(
        {"term": flags.columns, "estimate": hits / n, "low": low, "high": high, "n": n}
    ).assign(responses=hits)
    if outcome in asked:
        measure = measure or measure_of(asked[outcome])
        table = table.join(_effects(sample, flags, outcome, measure))
    without = _without_them(table.iloc[-1], outcome, measure)
    return Result(
        table,
        _finding(table.iloc[-1], without),
        _notes(sample.data, asked, flags),
        "share",
        draws=sample.draws,
        seed=sample.seed,
        parts={"flags": flags, "without": without},
    )


def _flags(
    rows: pd.DataFrame, asked: Mapping[str, Item], duration: str
) -> Iterator[tuple[str, np.ndarray]]:
    """(check, responses that it doubts), for each check that the columns allow."""
    x = numbers(rows, list(asked))
    if (repeated := _repeated(rows)) is not None:
        yield "duplicate respondents", repeated
    if x.shape[1] >= LEAST_VECTOR:
        yield "identical answers", _identical(x)
    answered = ~np.isnan(x)
    if (seconds := _seconds(rows, duration)) is not None:
        yield "speeders", _speeders(*seconds, answered.sum(1))
    if (lines := _straight(x, asked)) is not None:
        yield "straight-lining", lines
    yield "break-offs", _last_answered(rows, asked, answered)[0]
    if (tests := _previews(rows)) is not None:
        yield "previews and tests", tests


def _repeated(rows: pd.DataFrame) -> np.ndarray | None:
    """All but the first response of a customer in the same wave on the same day."""
    if "customer_id" not in rows:
        return None
    keys = rows[[c for c in ("customer_id", "wave", "answered_on") if c in rows]]
    if "answered_on" in keys:
        keys = keys.assign(answered_on=pd.to_datetime(keys["answered_on"]).dt.normalize())
    return (keys.duplicated() & rows["customer_id"].notna()).to_numpy()


def _identical(x: np.ndarray) -> np.ndarray:
    """All but the first of the responses with the same answers, where chance cannot explain it."""
    vectors, answered = pd.DataFrame(x), ~np.isnan(x)
    log_chance = np.zeros(len(x))
    for k in range(x.shape[1]):
        share = vectors[k].map(vectors[k].value_counts(normalize=True)).to_numpy(float)
        log_chance += np.where(answered[:, k], np.log(np.where(answered[:, k], share, 1)), 0)
    unlikely = np.log(max(len(x) - 1, 1)) + log_chance < np.log(BY_CHANCE)
    enough = answered.sum(1) >= LEAST_VECTOR
    varied = vectors.nunique(axis=1).to_numpy() > 1  # else it is straight-lining
    return vectors.duplicated().to_numpy() & unlikely & enough & varied


def _seconds(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, bool] | None:
    """(durations, whether they are known to be in seconds); None where there are none."""
    named = column or next((c for c in map(str, rows) if DURATION.search(c)), "")
    if named:
        text = rows[named].astype("string").str.extract(r"(\d+(?:\.\d+)?)")[0]
        values = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
        if np.isnan(values).all():
            return None
        if re.search("minute|分钟", named, re.I):
            return 60 * values, True
        of_name = re.search(r"sec|duration$|秒|所用时间", named, re.I)
        return values, bool(column or of_name)
    names = list(map(str, rows))
    started, ended = (
        next((c for c in names if form.fullmatch(c)), "") for form in (STARTED, ENDED)
    )
    if not (started and ended):
        return None
    ends = [pd.to_datetime(rows[c], errors="coerce", format="mixed") for c in (started, ended)]
    values = (ends[1] - ends[0]).dt.total_seconds().to_numpy(float)
    return (values, True) if (values > 0).any() else None


def _speeders(seconds: np.ndarray, known: bool, answers: np.ndarray) -> np.ndarray:
    """Faster than a third of the median, or than two seconds a question."""
    fast = seconds < FRACTION * np.nanmedian(seconds)
    return fast | (known & (seconds < FASTEST * answers))


def _straight(x: np.ndarray, asked: Mapping[str, Item]) -> np.ndarray | None:
    """The same answer to six or more rating questions of one scale; reversed ones as clicked."""
    found, checked = np.zeros(len(x), bool), False
    clicked = [
        sum(q.scale) - values if q.reverse else values
        for q, values in zip(asked.values(), x.T, strict=True)
    ]
    for scale in {q.scale for q in asked.values()}:
        columns = [
            c
            for c, q in zip(clicked, asked.values(), strict=True)
            if q.scale == scale and q.role != "nps"
        ]
        if len(columns) < LEAST_LINE:
            continue
        checked, block = True, pd.DataFrame(dict(enumerate(columns)))
        found |= ((block.count(axis=1) >= LEAST_LINE) & (block.nunique(axis=1) == 1)).to_numpy()
    return found if checked else None


def _last_answered(
    rows: pd.DataFrame, asked: Mapping[str, Item], answered: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(who stopped before the end, number of the last question answered; -1 for none)."""
    unused = np.stack([not_experienced(rows, i) for i in asked], axis=1)
    passed = answered | unused
    apply = ~never_asked(rows, passed)
    k = passed.shape[1]
    last = np.where(passed.any(1), k - 1 - passed[:, ::-1].argmax(1), -1)
    left = (apply & (np.arange(k) > last[:, None])).sum(1)
    return left >= np.maximum(2, LEAST_LEFT * apply.sum(1)), last


def _previews(rows: pd.DataFrame) -> np.ndarray | None:
    """Responses whose status is a preview, a test or spam."""
    there = [c for c in map(str, rows) if STATUS.fullmatch(c)]
    texts = [rows[c].astype("string").str.contains(NOT_REAL.pattern, case=False) for c in there]
    return np.any([t.fillna(False).to_numpy(bool) for t in texts], axis=0) if texts else None


def _effects(sample: Sample, flags: pd.DataFrame, outcome: str, measure: Measure) -> pd.DataFrame:
    """The main number without the responses that a check doubts, minus that of all."""
    given, rows = sample[outcome].notna(), []
    factor = 100.0 if measure.kind == "csat" else measure.factor
    for term in flags:
        doubted = flags[term] & given
        if not doubted.any() or doubted.sum() == given.sum():
            rows.append((0.0 if not doubted.any() else np.nan, np.nan, np.nan))
            continue
        by = sample.assign(_doubted=flags[term].to_numpy())
        answers = read(by, [outcome], measure, by="_doubted")
        found = group_means.estimate(answers, measure.recode)
        total = found.total[:, 0]
        drawn = _without(*group_means.resampled_sums(answers, measure.recode))
        low, high = percentile_interval(drawn[:, None])
        value = float(_without(found.mean[:, 0] * total, total))
        rows.append((factor * value, factor * float(low[0]), factor * float(high[0])))
    return pd.DataFrame(rows, columns=["effect", "effect_low", "effect_high"])


def _without(tops: np.ndarray, bottoms: np.ndarray) -> np.ndarray:
    """Mean of the first group minus that of both; sums (..., 2)."""
    return group_means.ratio(tops[..., 0], bottoms[..., 0]) - group_means.ratio(
        tops.sum(-1), bottoms.sum(-1)
    )


def _without_them(whole: pd.Series, outcome: str, measure: Measure | None) -> str:
    """What leaving the doubtful responses out would change; empty where that is not known."""
    if not whole.responses or not measure or np.isnan(whole.get("effect_low", np.nan)):
        return ""
    part = 100 if measure.kind == "csat" else 1
    low, high = whole.effect_low / part, whole.effect_high / part
    values = {
        "measure": measure.name(outcome),
        "change": measure.moved(whole.effect / part),
        "span": measure.change_span(low, high),
    }
    if low > 0 or high < 0:
        return _("Leaving them out would change {measure} by {change} ({span}).", **values)
    return _(
        "Leaving them out would not change {measure} significantly: {change} ({span}).", **values
    )


def _finding(whole: pd.Series, without: str) -> Finding:
    facts = {"k": whole.responses, "n": whole.n, "share": whole.estimate}
    if not whole.responses:
        return Finding(_("None of {n:count} responses looks doubtful.", **facts))
    claim = _("{k:count} of {n:count} responses ({share:share1}) look doubtful.", **facts)
    claim = i18n.together([claim, without])
    return Finding(claim, value=float(whole.estimate), unit="share", measure="doubtful_responses")


def _notes(rows: pd.DataFrame, asked: Mapping[str, Item], flags: pd.DataFrame) -> str:
    notes = [
        _(
            "Nothing was left out. To leave such responses out, state a condition under `only` in "
            "study.yaml, such as `only: status = 'complete'`."
        )
    ]
    if "speeders" in flags:
        notes.append(
            _(
                "Speeders took less than a third of the median time, or less than 2 seconds a "
                "question."
            )
        )
    if "straight-lining" in flags:
        notes.append(
            _(
                "Straight-lining: the same answer to 6 or more questions of one scale; where all "
                "are worded in one direction it may be sincere."
            )
        )
    stopped, last = _last_answered(rows, asked, ~np.isnan(numbers(rows, list(asked))))
    if stopped.any() and (ends := last[stopped & (last >= 0)]).size:
        place = np.bincount(ends).argmax()
        notes.append(_("Most break-offs come after {item:quoted}.", item=list(asked)[int(place)]))
    lacking = [
        text
        for term, text in (
            ("duplicate respondents", _("duplicate respondents (no customer_id)")),
            ("speeders", _("speeders (no duration)")),
            ("straight-lining", _("straight-lining (fewer than 6 questions of one scale)")),
            ("previews and tests", _("previews and tests (no status)")),
        )
        if term not in flags
    ]
    if lacking:
        notes.append(_("Not checked: {checks:list}.", checks=lacking))
    return i18n.together(notes)
