"""Latent classes and mixtures: published values, witnesses, laws, recovery; outcomes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from cxlib import segments
from cxlib.core import context
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.segments import latent_classes, profiles, stability
from cxlib.segments.likelihood_ratio import _ratio, simulated
from cxlib.segments.outcomes import _each, _means
from cxlib.stats import mixture_em, mixture_refits, resampling

REFERENCE = Path(__file__).parents[1] / "reference" / "latent_classes.json"
KNOWN = json.loads(REFERENCE.read_text(encoding="utf-8"))
SHARE = np.array([0.6, 0.4])
YES = np.array([[0.9, 0.8, 0.7, 0.85, 0.2], [0.2, 0.3, 0.1, 0.25, 0.7]])


@pytest.fixture(autouse=True)
def _english() -> None:
    context.begin()


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Three classes told by a category, a flag and two numbers, a tenth of the answers missing."""
    spec = importlib.util.spec_from_file_location("made", REFERENCE.with_suffix(".py"))
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    data = pd.DataFrame(made.made_up())
    return data.assign(
        a=data["a"].map({0: "p", 1: "q", 2: "r"}), b=data["b"].map({0: "no", 1: "yes"})
    )


@pytest.fixture(scope="module")
def fit(people: pd.DataFrame) -> Result:
    context.begin()
    return segments.fit(
        Sample(people, draws=100),
        list("abxz"),
        model="classes",
        choice=segments.Choice(most=5, draws=20),
    )


def answered(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes of n people, and their five answers of yes or no."""
    rng = np.random.default_rng(seed)
    kind = (rng.random(n) > SHARE[0]).astype(int)
    return kind, (rng.random((n, 5)) < YES[kind]).astype(int)


def sheet(x: np.ndarray, w: np.ndarray | None = None) -> mixture_em.Sheet:
    return mixture_em.sheet_of([(c, 2) for c in x.T], np.ones(len(x)) if w is None else w)


# Against published values and other programs


def stouffer_toby() -> mixture_em.Sheet:
    patterns = np.array([[i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(16)])
    return sheet(patterns, np.array(KNOWN["published"]["counts"], float))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_published_likelihoods_of_stouffer_and_toby(k: int, tell_witness) -> None:
    found = mixture_em.best(stouffer_toby(), k, 20, 1, close=1e-9)
    theirs = KNOWN["published"]["log-likelihood"][str(k)]
    witness = "poLCA (Stouffer and Toby)"
    tell_witness("latent classes: log-likelihood", witness, found.loglik, theirs, atol=6e-5)


def test_published_classes_of_stouffer_and_toby(tell_witness) -> None:
    """Goodman (1974): deviance 2.72, shares and probabilities of the first answer."""
    counts = np.array(KNOWN["published"]["counts"])
    found = mixture_em.best(stouffer_toby(), 2, 20, 1)
    deviance = 2 * ((counts * np.log(counts / counts.sum())).sum() - found.loglik)
    theirs = KNOWN["published"]["deviance of 2"]
    tell_witness("latent classes: deviance", "Goodman (1974)", deviance, theirs, atol=5e-4)
    sums = found.sums[np.argsort(-found.sums[:, 0])]
    ours, theirs = sums[:, 0] / 216, [0.721, 0.279]
    tell_witness("latent classes: shares", "Goodman (1974)", ours, theirs, atol=6e-4)
    first = sums[:, 1::2] / sums[:, :1]
    theirs = [[0.714, 0.330, 0.354, 0.132], [0.993, 0.940, 0.927, 0.769]]
    tell_witness("latent classes: answers", "Goodman (1974)", first, theirs, atol=6e-4)


def test_mixed_answers_with_gaps_are_as_likely_as_stepmix_finds(
    people: pd.DataFrame, tell_witness
) -> None:
    codes = [(pd.Categorical(people[c]).codes.astype(int), k) for c, k in (("a", 3), ("b", 2))]
    numbers = [(people[c].to_numpy(float), 0) for c in "xz"]
    found = mixture_em.best(mixture_em.sheet_of([*codes, *numbers], np.ones(len(people))), 3, 30, 1)
    theirs = KNOWN["stepmix"]["log-likelihood"]
    tell_witness("latent classes: log-likelihood", "StepMix", found.loglik, theirs, atol=1e-4)


@pytest.mark.slow
def test_corrected_means_are_those_of_stepmix(people: pd.DataFrame, tell_witness) -> None:
    three = segments.fit(
        Sample(people, draws=20),
        list("abxz"),
        model="classes",
        choice=segments.Choice(k=3, most=3, draws=5),
    )
    found = segments.outcomes(Sample(people, draws=50), three, ["y"])
    ours, theirs = np.sort(found.table["estimate"]), KNOWN["stepmix"]["BCH means"]
    tell_witness("latent classes: corrected means (BCH)", "StepMix", ours, theirs, atol=2e-3)
    found = segments.outcomes(Sample(people, draws=5), three, ["y"], method="ml")
    ours, theirs = np.sort(found.table["estimate"]), KNOWN["stepmix"]["ML means"]
    tell_witness("latent classes: corrected means (ML)", "StepMix", ours, theirs, atol=2e-3)
    assert "maximum likelihood" in found.notes


@pytest.mark.slow
def test_a_mixture_is_as_likely_as_that_of_scikit_learn(people: pd.DataFrame) -> None:
    from sklearn.mixture import GaussianMixture

    z = people[["x", "z"]].dropna().to_numpy()
    z = (z - z.mean(0)) / z.std(0)
    ours = mixture_em.best(
        mixture_em.sheet_of([(c, 0) for c in z.T], np.ones(len(z)), joint=True), 3, 20, 1
    )
    theirs = GaussianMixture(3, n_init=5, random_state=1, tol=1e-7, reg_covar=0, max_iter=1000)
    assert ours.loglik >= theirs.fit(z).score(z) * len(z) - 1e-3


# By hand


def test_membership_is_by_bayes_and_a_gap_says_nothing() -> None:
    answers = [(np.array([1, 1, -1, -1]), 2), (np.array([1.0, np.nan, 1.0, np.nan]), 0)]
    one = mixture_em.sheet_of(answers, np.ones(4))
    # Class sums: weight, levels of the first, then given, sum and square of the second.
    sums = np.array([[60.0, 45, 15, 60, 0, 60], [40.0, 10, 30, 40, 40, 80]])
    inside = mixture_em.membership(one, sums).T[one.pattern]
    level = np.array([0.25, 0.75])
    density = norm.pdf(1.0, [0, 1], 1)
    for row, odds in zip(inside, (level * density, level, density, 1.0), strict=True):
        wanted = np.array([0.6, 0.4]) * odds
        assert_allclose(row, wanted / wanted.sum(), rtol=1e-9)


def test_one_class_is_everybody() -> None:
    _, x = answered(200, 1)
    found = mixture_em.best(sheet(x), 1, 1, 1)
    share = x.mean(0)
    by_hand = 200 * (share * np.log(share) + (1 - share) * np.log(1 - share)).sum()
    assert_allclose(found.loglik, by_hand, rtol=1e-9)


def test_the_fewest_segments_of_enough_merit_are_chosen() -> None:
    def trial(k: int, merit: float, weakest: float, smallest: float = 0.2) -> stability.Trial:
        share = np.full(k, (1 - smallest) / (k - 1))
        share[-1] = smallest
        return stability.Trial(share, np.array([[0.9] * (k - 1) + [weakest]]), None, merit)

    tried = {2: trial(2, 50, 0.9), 3: trial(3, 85, 0.8), 4: trial(4, 100, 0.8)}
    assert stability.choose(tried, 0.8) == 3 and stability.choose(tried, 1.0) == 4
    assert stability.choose({**tried, 3: trial(3, 85, 0.7)}, 0.8) == 4
    assert stability.choose({**tried, 4: trial(4, 100, 0.9, 0.01)}, 1.0) == 3
    shaky = {2: trial(2, 50, 0.5), 3: trial(3, 85, 0.6)}
    assert stability.choose(shaky) == 3


def test_free_parameters_are_counted(people: pd.DataFrame) -> None:
    crowd = latent_classes.answers(people[list("abxz")], np.ones(len(people)), joint=False)
    assert crowd.sheet.parameters(3) == 2 + 3 * (2 + 1 + 2 + 2)
    numbers = people[["x", "z"]].dropna()
    joint = latent_classes.answers(numbers, np.ones(len(numbers)), joint=True)
    assert joint.sheet.parameters(3) == 2 + 3 * (2 + 3)


# Laws


def test_no_step_goes_down() -> None:
    _, x = answered(300, 2)
    own = sheet(x)
    sums, before = mixture_em.random_starts(own, 3, 8, 1, own.weight), -np.inf
    for _ in range(30):
        sums, height = mixture_em.step(own, sums, own.weight)
        assert (height >= before - 1e-9).all()
        before = height
    _, top = mixture_em.maximise(
        own, mixture_em.random_starts(own, 3, 8, 1, own.weight), own.weight
    )
    assert (top >= before - 1e-6).all()


def test_patterns_hold_all_the_weight_and_order_does_not_matter() -> None:
    _, x = answered(400, 3)
    w = np.random.default_rng(1).gamma(2, 1, 400)
    own, turned = sheet(x, w), sheet(x[::-1], w[::-1])
    assert len(own.weight) <= 32 and np.isclose(own.weight.sum(), w.sum())
    heights = [mixture_em.best(s, 2, 10, 1).loglik for s in (own, turned)]
    assert_allclose(*heights, rtol=1e-9)


def test_a_weight_of_two_is_the_row_twice() -> None:
    _, x = answered(300, 4)
    w = np.where(np.arange(300) < 100, 2.0, 1.0)
    weighted, repeated = sheet(x, w), sheet(np.concatenate([x, x[:100]]))
    assert_allclose(*(mixture_em.best(s, 2, 10, 1).loglik for s in (weighted, repeated)), rtol=1e-9)


def test_refits_keep_the_names_of_the_classes() -> None:
    _, x = answered(400, 5)
    own = sheet(x)
    sums = mixture_em.best(own, 2, 10, 1).sums
    drawn = mixture_em.maximise(own, np.repeat(sums[None], 4, 0), own.weight)[0]
    drawn[1::2] = drawn[1::2, ::-1]  # the same classes, called by each other's name
    assert_allclose(mixture_refits.aligned(own, sums, drawn), drawn[[0, 0, 0, 0]])


def test_many_answers_are_told_apart_without_overflow() -> None:
    x = np.random.default_rng(1).integers(0, 5, (200, 60))
    x[100:] = x[:100]
    own = mixture_em.sheet_of([(c, 5) for c in x.T], np.ones(200))
    assert len(own.weight) == 100 and (own.pattern[:100] == own.pattern[100:]).all()


# Fits


@pytest.mark.slow
def test_known_classes_are_found_whatever_is_missing(people: pd.DataFrame, fit) -> None:
    assert len(fit.table) == 3 and fit.table["n"].sum() == 600 and fit.missing == "skip"
    assert "customers have missing answers and are placed by the others" in fit.notes
    placed = segments.score(people, fit)
    table = pd.crosstab(placed["segment"], people["kind"])
    assert table.max(axis=1).sum() > 0.85 * 600
    low, high = fit.table["low"], fit.table["high"]
    assert ((low <= [0.5, 0.3, 0.2]) & (high >= [0.5, 0.3, 0.2])).all()


def test_the_model_knows_how_often_it_errs(people: pd.DataFrame, fit) -> None:
    chosen = fit.choice[fit.choice["chosen"]].iloc[0]
    placed = segments.score(people, fit)["segment"] - 1
    order = pd.crosstab(placed, people["kind"]).idxmax(axis=1)
    wrong = (placed.map(order) != people["kind"]).mean()
    assert abs(wrong - chosen["misplaced share"]) < 0.04
    assert fit.choice["ICL"].ge(fit.choice["BIC"]).all() and 0 < chosen["entropy"] < 1


def test_who_answered_nothing_is_not_placed(people: pd.DataFrame, fit) -> None:
    some = people.head(3).copy()
    some.loc[0, list("abxz")] = None
    placed = segments.score(some, fit)
    assert placed["segment"].isna().tolist() == [True, False, False]
    inside = segments.memberships(some, fit)
    assert np.isnan(inside[0]).all() and np.allclose(inside[1:].sum(1), 1)
    odd = some.assign(a="never met")
    assert segments.score(odd, fit)["segment"].notna().tolist() == [False, True, True]


def test_answers_of_few_steps_are_read_by_their_levels() -> None:
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 2, 400)
    steps = pd.DataFrame(
        {f"q{i}": np.where(kind == 1, rng.choice([1, 5], 400), 3) for i in range(4)}
    )
    found = segments.fit(
        Sample(steps, draws=20), model="classes", choice=segments.Choice(k=2, most=2, draws=5)
    )
    assert found.model.axes[0].steps == (1, 3, 5) and found.table["jaccard"].min() > 0.99
    assert set(found.profiles["term"]) == {"q0", "q1", "q2", "q3"}
    # Both classes have a mean near 3: only levels tell them apart.
    assert found.profiles["estimate"].between(2.5, 3.5).all()


@pytest.mark.slow
def test_a_mixture_finds_groups_and_wants_numbers(people: pd.DataFrame) -> None:
    found = segments.fit(
        Sample(people, draws=20),
        ["x", "z"],
        model="mixture",
        choice=segments.Choice(k=3, most=3, draws=5),
    )
    placed = segments.score(people, found)
    assert placed["segment"].isna().sum() == people[["x", "z"]].isna().any(axis=1).sum()
    filled = segments.fit(
        Sample(people, draws=20),
        ["x", "z"],
        model="mixture",
        missing="median",
        choice=segments.Choice(k=3, most=3, draws=5),
    )
    assert segments.score(people, filled)["segment"].notna().all()
    with pytest.raises(ValueError, match=r"\['a'\] are categories; a mixture is of numbers"):
        segments.fit(people, ["a", "x"], model="mixture")
    with pytest.raises(ValueError, match="model='magic' is not a choice"):
        segments.fit(people, ["x"], model="magic")


# How many classes


@pytest.mark.slow
def test_the_likelihood_ratio_tells_enough_from_too_many(people: pd.DataFrame, fit) -> None:
    needed = segments.likelihood_ratio(people, fit, simulations=19)
    assert needed.table["p"].item() == 0.05 and needed.table["estimate"].item() > 20
    rows = people.dropna()
    by_means = segments.fit(
        Sample(rows, draws=20), ["x", "z"], choice=segments.Choice(k=3, most=3, draws=5)
    )
    with pytest.raises(ValueError, match="k-means has no likelihood"):
        segments.likelihood_ratio(rows, by_means)


@pytest.mark.coverage
def test_one_class_too_many_is_seldom_called_needed(tell_coverage) -> None:
    """By chance 1 in 20; 4 or more in 14 samples has a chance of 0.4%."""
    called = []
    for seed in range(14):
        own, rng = sheet(answered(300, seed)[1]), np.random.default_rng(seed)
        seen, fewer = _ratio(own, 3, 1, 12)
        drawn = [
            _ratio(simulated(own, fewer.sums, np.ones(300), rng), 3, 1, 6, fewer.sums)[0]
            for _ in range(19)
        ]
        called.append(seen > max(drawn))
    tell_coverage(
        "rate of false findings, likelihood ratio test of latent classes",
        "300 customers",
        np.mean(called),
        len(called),
        0.05,
    )
    assert sum(called) < 4


def test_simulated_customers_have_the_gaps_of_the_real(people: pd.DataFrame) -> None:
    crowd = latent_classes.answers(people[list("abxz")], np.ones(len(people)), joint=False)
    sums = mixture_em.best(crowd.sheet, 3, 10, 1).sums
    again = simulated(crowd.sheet, sums, np.ones(600), np.random.default_rng(1))
    ours, theirs = (s.statistics[s.pattern] for s in (crowd.sheet, again))
    assert_allclose(theirs[:, 5], ours[:, 5])  # whether the first number is given
    assert_allclose(theirs[:, :3].sum(1), ours[:, :3].sum(1))
    assert_allclose(theirs.mean(0), ours.mean(0), atol=0.35)


# Outcomes


@pytest.mark.slow
def test_outcomes_of_certain_segments_are_plain_means() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"x": np.repeat([0.0, 10, 20], 30) + rng.normal(size=90)})
    rows = rows.assign(left=np.arange(90) < 12, spend=np.arange(90.0))
    found = segments.fit(
        Sample(rows, draws=20), ["x"], choice=segments.Choice(k=3, most=3, draws=5)
    )
    table = segments.outcomes(
        Sample(rows, draws=50), found
    ).table  # those of the usual that are there
    assert table["term"].unique().tolist() == ["left"] and table["share"].all()
    assert_allclose(sorted(table["estimate"]), [0, 0, 0.4])
    spend = segments.outcomes(Sample(rows, draws=50), found, ["spend"]).table
    assert_allclose(sorted(spend["estimate"]), [14.5, 44.5, 74.5])
    assert_allclose(spend["plain"], spend["estimate"])
    brings = segments.outcomes(Sample(rows, draws=50), found, ["left"], value="spend").brings
    assert_allclose(sorted(brings["estimate"]), np.array([435, 1335, 2235]) / 4005)


def test_outcomes_that_cannot_be_told_say_why(people: pd.DataFrame, fit) -> None:
    with pytest.raises(ValueError, match="no column 'love'"):
        segments.outcomes(people, fit, ["love"])
    with pytest.raises(ValueError, match="hold no numbers"):
        segments.outcomes(people, fit, ["a"])
    nothing = segments.outcomes(people, fit)
    assert (
        nothing.table.empty
        and nothing.brings.empty
        and "There is no outcome" in nothing.finding.claim
    )


def test_placing_error_is_undone_where_plain_means_are_wrong() -> None:
    """With two answers of yes or no, a third are misplaced; the truth is 0 and 1."""
    rng = np.random.default_rng(3)
    n = 40_000
    kind = (rng.random(n) < 0.5).astype(int)
    x = (rng.random((n, 3)) < np.where(kind[:, None] == 1, 0.75, 0.25)).astype(int)
    y = kind + rng.normal(size=n)
    own = sheet(x)
    sums = np.array([[n / 2, *[3 * n / 8, n / 8] * 3], [n / 2, *[n / 8, 3 * n / 8] * 3]])
    inside = mixture_em.membership(own, sums).T[own.pattern]
    placed = (inside.argmax(1)[:, None] == np.arange(2)).astype(float)
    each = _each(inside, placed, np.ones(n), y[:, None])
    means, plain, taken, _ = _means(each.sum(0)[None], 2, 1)
    assert_allclose(means[0, :, 0], [0, 1], atol=0.03)
    assert plain[0, 0, 0] > 0.1 and plain[0, 1, 0] < 0.9
    assert_allclose(taken[0].sum(1), 1)


# Coverage


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weighted"), [(100, False), (400, False), (400, True)])
def test_intervals_of_classes_hold_the_truth(n: int, weighted: bool, tell_coverage) -> None:
    """Shares and answers of two known classes, all in intervals that hold at once."""
    held = []
    for seed in range(200):
        kind, x = answered(n, seed)
        w = np.ones(n)
        if weighted:  # the first class answers half as often, and counts twice
            keep = np.random.default_rng([seed, 9]).random(n) < np.where(kind == 0, 0.5, 1)
            x, w = x[keep], np.where(kind == 0, 2.0, 1.0)[keep]
        own = sheet(x, w / w.mean())
        sums = mixture_em.best(own, 2, 6, seed).sums
        sums = sums[np.argsort(-sums[:, 2])]  # the first class says yes to the first question
        drawn = mixture_refits.refits(own, w / w.mean(), sums, 100, seed)
        answers, again = (s[..., 2::2] / s[..., :1] for s in (sums, drawn))
        low, high = _joint(answers, again, sums[:, :1] / sums[:, 0].sum() * len(x))
        share, shares = (s[..., 0] / s[..., 0].sum(-1, keepdims=True) for s in (sums, drawn))
        least, most = _joint(share, shares, len(x))
        held.append(
            [((low <= YES) & (high >= YES)).all(), ((least <= SHARE) & (most >= SHARE)).all()]
        )
    answers, share = np.mean(held, axis=0)
    of = f"{n} customers, 2 classes" + ", weighted" * weighted
    tell_coverage("answers of latent classes, simultaneous", of, answers, len(held))
    tell_coverage("shares of latent classes, simultaneous", of, share, len(held))
    assert 0.925 <= answers <= 0.99 and 0.9 <= share <= 0.985, (answers, share)


@pytest.mark.coverage
def test_intervals_of_corrected_means_hold_the_truth(tell_coverage) -> None:
    held = []
    for seed in range(120):
        kind, x = answered(400, seed)
        y = kind + np.random.default_rng([seed, 1]).normal(size=400)
        own = sheet(x)
        sums = mixture_em.best(own, 2, 6, seed).sums
        sums = sums[np.argsort(-sums[:, 2])]
        inside = mixture_em.membership(own, sums).T[own.pattern]
        placed = (inside.argmax(1)[:, None] == np.arange(2)).astype(float)
        each = _each(inside, placed, np.ones(400), y[:, None])
        drawn = _means(resampling.resample_sums(each, 200, seed), 2, 1)[0]
        found = _means(each.sum(0)[None], 2, 1)[0][0]
        low, high = _joint(found, drawn)
        held.append(((low[:, 0] <= [0, 1]) & (high[:, 0] >= [0, 1])).all())
    tell_coverage(
        "means of latent classes (BCH), simultaneous", "400 customers", np.mean(held), len(held)
    )
    assert 0.90 <= np.mean(held) <= 0.99, np.mean(held)


@pytest.mark.coverage
def test_intervals_of_means_by_likelihood_hold_the_truth(tell_coverage) -> None:
    held, errors = [], []
    for seed in range(60):
        kind, x = answered(400, seed)
        y = kind + np.random.default_rng([seed, 1]).normal(size=400)
        rows = pd.DataFrame(np.where(x == 1, "yes", "no")).add_prefix("q").assign(y=y)
        sample, names = Sample(rows, draws=100), [c for c in rows if c != "y"]
        choice = segments.Choice(k=2, most=2, draws=2)
        fit = segments.fit(sample.replace(draws=2), names, model="classes", choice=choice)
        order = np.argsort(fit.model.sums[:, 2] / fit.model.sums[:, 0])
        both = [
            segments.outcomes(sample, fit, ["y"], method=m).table.iloc[order] for m in ("ml", "bch")
        ]
        truth = (
            np.array([0, 1]) if both[0]["estimate"].is_monotonic_increasing else np.array([1, 0])
        )
        held.append(((both[0]["low"] <= truth) & (both[0]["high"] >= truth)).mean())
        errors.append([((b["estimate"] - truth) ** 2).mean() for b in both])
    tell_coverage("means of latent classes (ML)", "400 customers", np.mean(held), len(held))
    assert 0.90 <= np.mean(held) <= 0.99, np.mean(held)
    assert np.mean(errors, axis=0)[0] <= 1.1 * np.mean(errors, axis=0)[1]


def _joint(*parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends that hold for all entries together."""
    ends = profiles.interval_columns(*parts)
    return ends["simultaneous_low"], ends["simultaneous_high"]
