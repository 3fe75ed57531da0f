"""The index beside its peers in one run on one machine; ratios are printed, nothing is judged.

pip install seminr==0.2.1 plspm==0.5.7      # in an environment of their own, with cxlib
python -m pytest tests/benchmarks -s
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clock import seconds

from cxlib import csi
from cxlib.core.sample import Sample

BLOCKS = {
    "image": 5,
    "expectation": 3,
    "quality": 7,
    "value": 2,
    "satisfaction": 3,
    "complaints": 1,
    "loyalty": 3,
}
MODEL = csi.Model(
    {name: [f"{name}{i}" for i in range(size)] for name, size in BLOCKS.items()}, preset="ecsi12"
)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """250 answers to 24 questions, of the shape of the mobile-phone survey."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=250)
    columns = {}
    for items in MODEL.constructs.values():
        own = 0.7 * common + 0.7 * rng.normal(size=250)
        for item in items:
            columns[item] = np.clip(np.round(7 + 1.3 * own + rng.normal(size=250)), 1, 10)
    return pd.DataFrame(columns)


def test_five_thousand_draws_of_everything(answers):
    spent = seconds(lambda: csi.fit(Sample(answers, draws=5000), MODEL))
    print(f"\ncsi.fit, 5,000 draws: {spent:.3f} s CPU")


def test_checks_prediction_and_groups(answers):
    grouped = answers.assign(group=np.where(np.arange(250) % 2, "odd", "even"))
    for name, task in {
        "csi.fit, consistent, 5,000 draws": lambda: csi.fit(
            Sample(answers, draws=5000), MODEL, csi.Options(consistent=True)
        ),
        "csi.validity, 1,000 draws": lambda: csi.validity(answers, MODEL),
        "csi.predict, 10 times 10 parts": lambda: csi.predict(answers, MODEL),
        "csi.compare, 200 permutations": lambda: csi.compare(
            Sample(grouped, draws=2), MODEL, "group", permutations=200
        ),
    }.items():
        print(f"\n{name}: {seconds(task):.3f} s CPU")


def estimated(seminr, answers):
    blocks = [seminr.composite(n, list(i)) for n, i in MODEL.constructs.items()]
    paths = [seminr.paths(from_=list(c), to=e) for e, c in MODEL.paths.items()]
    return seminr.estimate_pls(answers, seminr.constructs(*blocks), seminr.relationships(*paths))


def test_groups_against_seminr(answers):
    """Their test of groups draws each group 200 times and compares paths; ours permutes 200."""
    seminr = pytest.importorskip("seminr")
    model = estimated(seminr, answers)
    odd = np.arange(250) % 2 == 1
    grouped = answers.assign(group=np.where(odd, "odd", "even"))
    theirs = seconds(lambda: seminr.estimate_pls_mga(model, list(odd), nboot=200, seed=1), 1)
    ours = seconds(lambda: csi.compare(Sample(grouped, draws=2), MODEL, "group", permutations=200))
    print(f"\nseminr takes {theirs / ours:.0f} times as long to compare two groups")


def test_prediction_against_seminr(answers):
    seminr = pytest.importorskip("seminr")
    model = estimated(seminr, answers)
    theirs = seconds(lambda: seminr.predict_pls(model, no_folds=10, seed=1), 1)
    ours = seconds(lambda: csi.predict(Sample(answers, draws=2), MODEL))
    print(f"\nseminr takes {10 * theirs / ours:.0f} times as long to foretell 10 times 10 parts")


def test_against_seminr(answers):
    seminr = pytest.importorskip("seminr")
    model = estimated(seminr, answers)
    theirs = seconds(lambda: seminr.bootstrap_model(model, nboot=200, seed=1, cores=1), 1)
    ours = seconds(lambda: csi.fit(Sample(answers, draws=5000), MODEL))
    print(f"\nseminr takes {theirs / 200 / (ours / 5000):.0f} times as long for a draw")


def test_against_plspm(answers):
    config = pytest.importorskip("plspm.config")
    from plspm.mode import Mode
    from plspm.plspm import Plspm
    from plspm.scheme import Scheme

    matrix = pd.DataFrame(0, index=list(MODEL.constructs), columns=list(MODEL.constructs))
    for effect, causes in MODEL.paths.items():
        matrix.loc[effect, list(causes)] = 1
    setting = config.Config(matrix)
    for name, items in MODEL.constructs.items():
        setting.add_lv(name, Mode.A, *[config.MV(i) for i in items])
    theirs = seconds(lambda: Plspm(answers, setting, Scheme.PATH), 3)
    ours = seconds(lambda: csi.fit(Sample(answers, draws=5000), MODEL))
    print(f"\nplspm takes {theirs / (ours / 5000):.0f} times as long for a fit as we for a draw")
