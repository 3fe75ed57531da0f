"""Who comments: comments beside the answers they belong to, weighted to all who answered.

    comments = people.beside(study.read("comments"), responses, "recommend", nps=True)
    people.who(comments, responses, "recommend", nps=True)

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
from cxlib.core.i18n import _, ngettext
from cxlib.estimates import Estimates, how_drawn
from cxlib.privacy import masking
from cxlib.stats import resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import simultaneous_interval
from cxlib.voice import words
from cxlib.voice.tone import bounds

EVEN = 1e-6  # weights that differ by less are all alike
EACH = 3  # comments with a score that each topic needs
CLASSES = ("unhappy", "in between", "happy")
WORDS = ("unhappy", "in between", "happy", "e-mail", "phone", "card", "account", "identity number",
         "name")  # fmt: skip


def beside(
    comments: pd.DataFrame,
    responses: pd.DataFrame | None = None,
    outcome: str = "",
    scale: tuple[float, float] | None = None,
    *,
    nps: bool = False,
    margins: Mapping[str, Mapping[str, float]] | None = None,
    until: str = "",
) -> pd.DataFrame:
    """The comments with lang (as written), text masked, and what their responses tell of them.

    From `responses` (weighed) come wave, weight, the margins' attributes and `outcome`, and
    weights are raked to the scores of all responses; without them all weights are one and the
    comments' own score is the outcome. New: `good` (True, False or missing, by the score). Comments
    of no response are left out where others have one, and those of no wave or after `until`.
    attrs["told"]: what was done, for notes.
    """
    rows, found = masked(comments[comments["text"].notna()])
    rows = rows.assign(lang=words.languages(rows["text"]))
    told = {
        "offered": len(comments),
        "empty": len(comments) - int((rows["lang"] != "").sum()),
        "masked": found,
        "unmatched": 0,
    }
    rows = rows[rows["lang"] != ""].reset_index(drop=True)
    if responses is not None and "response_id" in rows:
        responses = _of_waves(responses, until)
        rows, told["unmatched"] = _joined(rows, responses, outcome, margins or {})
    else:
        rows[outcome or "score"] = rows.get("score", np.nan)
    outcome = outcome or "score"
    scale = scale or (rows[outcome].min(), rows[outcome].max())  # as far as it was used
    rows["good"] = _good(rows[outcome], scale, nps)
    if "weight" not in rows:
        rows["weight"] = 1.0
    elif responses is not None:
        rows = _raked(rows, responses, outcome, scale, nps, margins or {})
    rows.attrs["told"] = told
    return rows


def scored(marked: pd.DataFrame, outcome: str, topics: Estimates) -> bool:
    """Whether enough comments have a score for `impact`; says so where they have not."""
    known = marked[outcome].dropna() if outcome in marked else pd.Series(dtype=float)
    if len(known) >= EACH * (len(topics.table) + 1) and known.nunique() > 1 and len(topics.table):
        return True
    print(
        ngettext(
            "{n:count} comment has a score, too few to tell what goes with it.",
            "{n:count} comments have a score, too few to tell what goes with it.",
            len(known),
        )
    )
    return False


def waves(marked: pd.DataFrame) -> bool:
    """Whether the comments are of two waves or more; says so where they are not."""
    n = marked["wave"].nunique() if "wave" in marked else 0
    if n < 2:
        print(_("The comments are of one wave, so nothing can be told to be new."))
    return n > 1


def masked(comments: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The comments with personal data replaced by what they were, and how many of each kind."""
    found: dict[str, int] = {}
    changed = comments["text"].astype(str).to_numpy(object).copy()
    for at, text in enumerate(changed):
        changed[at], more = masking.masked(masking.legible(text))
        masking.add(found, more)
    return comments.assign(text=changed), found


def private(comments: pd.DataFrame) -> Estimates:
    """How many personal data were masked in the comments of `beside`: a row a kind.

    table: term (kind), estimate (of them in all comments), low, high (none), n (comments).
    """
    found, n = comments.attrs["told"]["masked"], comments.attrs["told"]["offered"]
    table = pd.DataFrame(
        {
            "term": list(found),
            "estimate": np.array([*found.values()], float),
            "low": np.nan,
            "high": np.nan,
            "n": n,
        }
    )
    kinds = [_("{kind:label} {count:count}", kind=k, count=v) for k, v in found.items()]
    answer = (
        _(
            "{count:count} personal data were masked in {n:count} comments before anything was "
            "kept: {kinds:list}.",
            count=sum(found.values()),
            n=n,
            kinds=kinds,
        )
        if found
        else ngettext(
            "No personal data were found in {n:count} comment.",
            "No personal data were found in {n:count} comments.",
            n,
        )
    )
    note = _("Patterns do not know every name: read quotes before you pass them on.")
    return Estimates(table, answer, note, "count")


def who(
    comments: pd.DataFrame,
    responses: pd.DataFrame,
    outcome: str,
    scale: tuple[float, float] = (0, 10),
    *,
    nps: bool = False,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Share of the unhappy, the happy and those between who wrote, with intervals held together.

    table: term, estimate, low, high, n (responses of the class). `comments` as from `beside`.
    """
    known = _of_waves(responses[responses[outcome].notna()])
    kind = _classes(known[outcome], scale, nps).to_numpy()
    member = (kind[:, None] == np.array(CLASSES)).astype(float)
    wrote = known["response_id"].isin(comments["response_id"]).to_numpy(float)
    kept = member.any(0)
    member, names = member[:, kept], np.array(CLASSES)[kept]
    share, low, high, _unused = shares(
        known, member * wrote[:, None], member, bucket=bucket, draws=draws, seed=seed
    )
    table = pd.DataFrame(
        {"term": names, "estimate": share, "low": low, "high": high, "n": member.sum(0).astype(int)}
    )
    most, least = table.loc[table["estimate"].idxmax()], table.loc[table["estimate"].idxmin()]
    answer = _("All {n:count} who answered wrote a comment.", n=len(known))
    answer = (
        answer
        if wrote.all()
        else _(
            "{wrote:share} of {n:count} who answered wrote a comment; most often those who are "
            "{most:label} ({high:share}), least often those who are {least:label} ({low:share}).",
            wrote=wrote.mean(),
            n=len(known),
            most=most["term"],
            high=most["estimate"],
            least=least["term"],
            low=least["estimate"],
        )
    )
    note = i18n.together(
        [
            _("Comments are weighted so that the scores of those who wrote are those of all."),
            how_drawn(draws, bucket=bucket),
        ]
    )
    return Estimates(table, answer, note, "share", draws=draws, seed=seed)


def shares(
    rows: pd.DataFrame,
    part: np.ndarray,
    of: np.ndarray,
    *,
    weight: str | None = None,
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> tuple[np.ndarray, ...]:
    """Weighted sums of `part` (rows, k) by those of `of` (rows, k or 1): share, low, high, draws.

    Limits hold at once and lie between 0 and 1; NaN where nobody is there.
    """
    w = np.ones(len(rows)) if weight is None else rows[weight].to_numpy(float)
    who = resampling.who_of(rows, bucket, weight)
    share, again = ratio(part * w[:, None], of * w[:, None], draws=draws, seed=seed, who=who)
    low, high = simultaneous_interval(share, again)
    return share, np.clip(low, 0, 1), np.clip(high, 0, 1), again


def _of_waves(responses: pd.DataFrame, until: str = "") -> pd.DataFrame:
    """Those of a wave up to `until`: the few of none, beside a total, would give a group away."""
    if "wave" not in responses or responses["wave"].isna().all():
        return responses
    there = responses["wave"].notna()
    return responses[there & (responses["wave"].astype(str) <= until) if until else there]


def _joined(
    rows: pd.DataFrame, responses: pd.DataFrame, outcome: str, margins: Mapping
) -> tuple[pd.DataFrame, int]:
    wanted = ["wave", "weight", outcome, *margins]
    taken = [c for c in dict.fromkeys(wanted) if c in responses]
    answers = responses.drop_duplicates("response_id").set_index("response_id")[taken]
    rows = rows.drop(columns=[c for c in taken if c in rows])
    joined = rows.join(answers, on="response_id", how="inner", validate="many_to_one")
    if joined.empty:
        raise ValueError(
            f"none of {len(rows):,} comments has a response among {len(responses):,}. Map "
            "response_id of comments, or choose a wider WAVE or WHERE."
        )
    return joined.reset_index(drop=True), len(rows) - len(joined)


def _raked(
    rows: pd.DataFrame,
    responses: pd.DataFrame,
    outcome: str,
    scale: tuple[float, float],
    nps: bool,
    margins: Mapping,
) -> pd.DataFrame:
    """Weights that give those who wrote the scores of all who answered."""
    kind = _classes(rows[outcome], scale, nps)
    everybody = responses[responses[outcome].notna()]
    mass = everybody.groupby(_classes(everybody[outcome], scale, nps).to_numpy())["weight"].sum()
    targets = {k: float(mass[k] / mass.sum()) for k in CLASSES if k in set(kind) & set(mass.index)}
    if kind.isna().any() or len(targets) < 2:
        return rows
    rows = rows.assign(said_class=kind.astype(object))
    usable = weights.applicable(rows, {a: m for a, m in margins.items() if a in rows})
    rows.attrs.clear()
    weighed = weights.weigh(rows, {"said_class": targets, **usable})
    if np.ptp(weighed["weight"]) > EVEN:
        return weighed
    return rows.assign(weight=1.0)


def _classes(score: pd.Series, scale: tuple[float, float], nps: bool) -> pd.Series:
    bad, good = bounds(*scale, nps=nps)
    kind = np.select(
        [score.isna(), score <= bad, score >= good], ["", CLASSES[0], CLASSES[2]], CLASSES[1]
    )
    return pd.Series(kind, score.index, dtype=object).where(kind != "")


def _good(score: pd.Series, scale: tuple[float, float], nps: bool) -> pd.Series:
    kind = _classes(score, scale, nps)
    return kind.map({CLASSES[0]: False, CLASSES[2]: True}).astype("boolean")
