"""Comments joined to the answers they belong to, masked, and weighted to all who answered.

    comments, masked = voice.prepare(written, responses, voice.Outcome("recommend", nps=True))
    voice.comment_rate(comments, responses, outcome)

Those who are angry or delighted write more than the others. So comments are weighted until the
scores (and what else the study knows shares of) of those who wrote are those of all who answered.
It makes a share of comments one of customers only so far as those who did not write would have
written what others of their score did.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import masking
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio, share_interval
from cxlib.stats.intervals import simultaneous_interval, symmetric_interval
from cxlib.stats.notes import resampling_note
from cxlib.voice import tokens
from cxlib.voice.outcome import CLASSES, Outcome, outcome_of

EVEN = 1e-6  # weights that differ by less are all alike
EACH = 3  # comments with a score that each topic needs
WORDS = (
    "e-mail",
    "phone",
    "card",
    "account",
    "identity number",
    "name",
    "address",
    "comments (column)",
)
PERSONAL = {  # what masking calls it -> what readers do; a channel may be called "phone" too
    "e-mail": N_("e-mail addresses"),
    "phone": N_("phone numbers"),
    "card": N_("card numbers"),
    "account": N_("account numbers"),
    "identity number": N_("identity numbers"),
    "name": N_("names"),
    "address": N_("postal addresses"),
}

Margins = Mapping[str, Mapping[str, float]]


def prepare(
    sample: SampleLike,
    responses: Sample | None = None,
    outcome: Outcome | str = "score",
    *,
    margins: Margins | None = None,
    until: str = "",
) -> tuple[Sample, Result]:
    """Comments ready to be analysed: language found, personal data masked, weighted by response.

    Parameters
    ----------
    sample : the comments: text, and response_id where they belong to responses
    responses : the answers, weighted; None where there are none: then all weights are one and the
        outcome is the comments' own `score`
    outcome : the score that comments come with
    margins : population shares by attribute, raked together with the scores of all responses
    until : the last wave looked at; all waves when empty

    Returns
    -------
    The comments as a Sample with the new columns lang ("en", "zh" or "other"), language (its code;
    "other" where it is not known) and good (True, False or missing, by the score), and with wave,
    weight, outcome and the attributes of the margins from their responses; comments without words,
    of no response or of no wave are left out. And a Result on what was masked: term (the kind),
    estimate (how many), comments (how many were read).

    Raises
    ------
    InsufficientData : no comment has a response

    Examples
    --------
    >>> comments, masked = prepare(pd.DataFrame({"text": ["Call +44 20 7946 0958", "Fine", "!"]}))
    >>> comments["text"].tolist(), comments["lang"].tolist()
    (['Call [phone]', 'Fine'], ['en', 'en'])
    >>> masked.table[["term", "estimate"]].values.tolist()
    [['phone numbers', 1.0]]
    """
    sample, outcome = as_sample(sample), outcome_of(outcome)
    rows, counts = _masked(sample.data[sample.data["text"].notna()])
    personal_data = _personal_data(counts, len(sample))
    declared = rows.get("lang", pd.NA)
    rows = rows.assign(lang=tokens.languages(rows["text"]), language=declared)
    rows = rows[rows["lang"] != ""].reset_index(drop=True)
    rows = rows.assign(
        language=tokens.named_languages(rows["text"], rows["lang"], rows["language"])
    )
    notes = sample.notes
    if responses is not None and "response_id" in rows:
        responses = _until(responses, until)
        rows, lost = _joined(rows, responses.data, outcome.column, margins or {})
        notes += (_unmatched(lost),) if lost else ()
    else:
        rows[outcome.column] = rows.get("score", np.nan)
    outcome = outcome.scaled(rows[outcome.column])
    rows["good"] = outcome.good(rows[outcome.column])
    weighted = "weight" in rows
    rows = rows if weighted else rows.assign(weight=1.0)
    cluster = sample.cluster
    if cluster is None and "response_id" in rows and rows["response_id"].duplicated().any():
        cluster = "response_id"  # somebody wrote several comments
    comments = Sample(
        rows, "weight", cluster, sample.draws, sample.seed, losses=sample.losses, notes=notes
    )
    if weighted and responses is not None:
        comments = _raked(comments, responses.data, outcome, margins or {})
    return comments, personal_data


def with_unlinked(comments: Sample, written: SampleLike) -> Sample:
    """The comments of `prepare` and those of no response, as reviews and posts are; unweighted.

    Examples
    --------
    >>> rows = pd.DataFrame({"response_id": [1, None], "text": ["fine", "late"]})
    >>> answers = Sample(pd.DataFrame({"response_id": [1], "score": [5.0]}))
    >>> comments, _masked = prepare(rows, answers)
    >>> len(comments), len(with_unlinked(comments, rows))
    (1, 2)
    """
    written = as_sample(written)
    if "response_id" not in written or not written["response_id"].isna().any():
        return comments.replace(weight=None)
    more, _counts = prepare(written.where(written["response_id"].isna()))
    rows = pd.concat([comments.data, more.data], ignore_index=True)
    return comments.replace(weight=None).with_data(rows)


def has_scores(sample: SampleLike, outcome: Outcome | str, topics: Result) -> bool:
    """Whether enough comments have a score for `impact`; says so where they have not."""
    column = outcome_of(outcome).column
    rows = as_sample(sample).data
    known = rows[column].dropna() if column in rows else pd.Series(dtype=float)
    if len(known) >= EACH * (len(topics.table) + 1) and known.nunique() > 1 and len(topics.table):
        return True
    print(
        ngettext(
            "{n:count} comment has a score, too few to relate topics to it.",
            "{n:count} comments have a score, too few to relate topics to it.",
            len(known),
        )
    )
    return False


def has_waves(sample: SampleLike) -> bool:
    """Whether the comments are of two waves or more; says so where they are not."""
    rows = as_sample(sample).data
    n = rows["wave"].nunique() if "wave" in rows else 0
    if not n and "at" in rows and rows["at"].notna().any():
        print(_("Comments have dates but no waves, so changes of topics cannot be shown."))
    elif not n:
        print(_("No dates or waves of comments are known, so changes of topics cannot be shown."))
    elif n < 2:
        print(_("All comments are of one wave, so changes of topics cannot be shown."))
    return n > 1


def comment_rate(
    comments: SampleLike,
    responses: SampleLike,
    outcome: Outcome | str = "score",
    *,
    until: str = "",
) -> Result:
    """Share of the unhappy, the happy and those in between who wrote a comment.

    Parameters
    ----------
    comments : as `prepare` returns them; their response_id is used
    responses : all answers; counted without weights
    outcome : the score that divides those who answered
    until : the last wave looked at, as for `prepare`

    Returns
    -------
    Result with a table term (the class), estimate (share who wrote), low, high, n (responses of
    the class), simultaneous_low, simultaneous_high.

    Examples
    --------
    >>> responses = pd.DataFrame({"response_id": range(4), "csat": [1, 1, 5, 5]})
    >>> comments = pd.DataFrame({"response_id": [0, 1, 2]})
    >>> comment_rate(comments, responses, Outcome("csat", (1, 5))).table["estimate"].tolist()
    [1.0, 0.5]
    """
    outcome, everybody = outcome_of(outcome), as_sample(responses)
    known = _until(everybody.where(everybody[outcome.column].notna()), until).replace(weight=None)
    kind = outcome.scaled(known[outcome.column]).classes(known[outcome.column]).to_numpy()
    member = (kind[:, None] == np.array(CLASSES)).astype(float)
    ids = as_sample(comments)["response_id"]
    wrote = known["response_id"].isin(ids).to_numpy(float)
    kept = member.any(0)
    member, names = member[:, kept], np.array(CLASSES)[kept]
    share, ends, _unused = shares(known, member * wrote[:, None], member)
    table = share_table({"term": names}, share, ends, member.sum(0).astype(int))
    notes = [
        _("Comments are weighted so that the scores of those who wrote are those of all."),
        resampling_note(known),
    ]
    claim = _rate_claim(table, wrote)
    return Result(table, claim, i18n.together(notes), "share", draws=known.draws, seed=known.seed)


def _rate_claim(table: pd.DataFrame, wrote: np.ndarray) -> Finding:
    if wrote.all():
        claim = _("All {n:count} who answered wrote a comment.", n=len(wrote))
        return Finding(claim, importance=Importance.METHOD)
    most, least = table.loc[table["estimate"].idxmax()], table.loc[table["estimate"].idxmin()]
    words = {"most": most["term"], "least": least["term"]}
    claim = _(
        "{most:opening} customers comment most often ({high:share}), {least:label} customers least "
        "often ({low:share}).",
        high=most["estimate"],
        low=least["estimate"],
        **words,
    )
    detail = _("{wrote:share} of {n:count} respondents commented", wrote=wrote.mean(), n=len(wrote))
    return Finding(claim, detail)


def shares(
    sample: Sample, part: np.ndarray, whole: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted sums of `part` (rows, k) by those of `whole` (rows, k or 1).

    Returns share, ends (those of `interval_ends`, by Wilson for the effective number of rows: a
    topic of few comments hardly varies over draws) and replicates; NaN where nobody is.
    """
    clusters = resampling.resampling_units(sample)
    above, below = (part * (w := sample.weights[:, None]), whole * w)
    drawn = ratio(above, below, draws=sample.draws, seed=sample.seed, clusters=clusters)
    there = np.broadcast_to(below > 0, above.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        kish = below.sum(0) ** 2 / (below**2).sum(0)
    effective = np.broadcast_to(np.nan_to_num(kish), drawn.estimate.shape)
    behind = {"n": there.sum(0), "units": sample.people(there), "effective": effective}
    ends = [e for held in (1, len(effective)) for e in share_interval(drawn, held=held, **behind)]
    return drawn.estimate, np.array(ends).reshape(4, len(effective)), drawn.replicates


def interval_ends(estimate: np.ndarray, replicates: np.ndarray) -> np.ndarray:
    """Low, high, and the simultaneous low and high of several estimates: (4, terms)."""
    if not len(estimate):
        return np.empty((4, 0))
    own, together = (f(estimate, replicates) for f in (symmetric_interval, simultaneous_interval))
    return np.array([*own, *together]).reshape(4, len(estimate))


def share_table(
    about: Mapping[str, object], estimate: np.ndarray, ends: np.ndarray, n: np.ndarray
) -> pd.DataFrame:
    """A row an estimate: `about`, estimate, low, high, n and the simultaneous ends."""
    low, high, *together = ends
    rows = {**about, "estimate": estimate, "low": low, "high": high, "n": n}
    return pd.DataFrame(rows | dict(zip(SIMULTANEOUS, together, strict=True)))


def _masked(comments: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The comments with personal data replaced by what they were, and how many of each kind."""
    counts: dict[str, int] = {}
    changed = comments["text"].astype(str).to_numpy(object).copy()
    for at, text in enumerate(changed):
        changed[at], more = masking.masked(masking.legible(text), comment=True)
        masking.add(counts, more)
    return comments.assign(text=changed), counts


def _personal_data(counts: Mapping[str, int], n: int) -> Result:
    """How many personal data were masked in `n` comments.

    They count what was masked, not people, so there is no column n and no small cell is hidden.
    """
    number = np.array([*counts.values()], float)
    empty = {"low": np.nan, "high": np.nan}
    named = {PERSONAL[kind]: count for kind, count in counts.items()}
    table = pd.DataFrame({"term": list(named), "estimate": number, **empty, "comments": n})
    kinds = [_("{kind} {count:count}", kind=_(k), count=v) for k, v in named.items()]
    claim = (
        ngettext(
            "{count:count} personal detail was masked in {n:count} comments before anything was "
            "saved: {kinds:list}.",
            "{count:count} personal details were masked in {n:count} comments before anything was "
            "saved: {kinds:list}.",
            sum(counts.values()),
            count=sum(counts.values()),
            n=n,
            kinds=kinds,
        )
        if counts
        else ngettext(
            "No personal details were found in {n:count} comment.",
            "No personal details were found in {n:count} comments.",
            n,
        )
    )
    notes = _("Patterns do not know every name: read quotes before you pass them on.")
    return Result(table, Finding(claim, importance=Importance.METHOD), notes, "count")


def _until(responses: Sample, until: str = "") -> Sample:
    """Those of a wave up to `until`: the few of none, next to a total, would give a group away."""
    if "wave" not in responses or responses["wave"].isna().all():
        return responses
    there = responses["wave"].notna()
    return responses.where(there & (responses["wave"].astype(str) <= until) if until else there)


def _joined(
    rows: pd.DataFrame, responses: pd.DataFrame, outcome: str, margins: Margins
) -> tuple[pd.DataFrame, int]:
    wanted = ["wave", "weight", outcome, *margins]
    taken = [c for c in dict.fromkeys(wanted) if c in responses]
    answers = responses.drop_duplicates("response_id").set_index("response_id")[taken]
    rows = rows.drop(columns=[c for c in taken if c in rows])
    joined = rows.join(answers, on="response_id", how="inner", validate="many_to_one")
    if joined.empty:
        raise InsufficientData(
            _(
                "None of {n:count} comments belongs to one of the {of:count} responses looked at.",
                n=len(rows),
                of=len(responses),
            )
        )
    return joined.reset_index(drop=True), len(rows) - len(joined)


def _unmatched(lost: int) -> str:
    return ngettext(
        "{n:count} comment belongs to no response looked at and was left out.",
        "{n:count} comments belong to no response looked at and were left out.",
        lost,
    )


def _raked(comments: Sample, responses: pd.DataFrame, outcome: Outcome, margins: Margins) -> Sample:
    """Weights that give those who wrote the scores of all who answered."""
    rows, column = comments.data, outcome.column
    kind, everybody = outcome.classes(rows[column]), responses[responses[column].notna()]
    mass = everybody.groupby(outcome.classes(everybody[column]).to_numpy())["weight"].sum()
    targets = {k: float(mass[k] / mass.sum()) for k in CLASSES if k in set(kind) & set(mass.index)}
    if kind.isna().any() or len(targets) < 2:
        return comments
    classed = comments.assign(score_class=kind.astype(object))
    usable = weights.applicable(classed.data, {a: m for a, m in margins.items() if a in rows})
    weighed = weights.weigh(classed, {"score_class": targets, **usable})
    if np.ptp(weighed["weight"]) > EVEN:
        return weighed
    return classed.assign(weight=1.0)
