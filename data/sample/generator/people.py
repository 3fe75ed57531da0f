"""Who the customers are, what they feel in each wave, and what they answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.truth import CONSTRUCTS, ITEMS, TOUCHPOINTS, TRUTH, WAVES

QUARTERS = pd.PeriodIndex([w.replace("-", "") for w in WAVES], freq="Q")
STARTS = QUARTERS.start_time.to_numpy("datetime64[D]")
END = np.datetime64("2026-10-01")
TYPES = tuple(TRUTH["segments"])
TOPICS = tuple(TRUTH["topics"])
AGES = ("18-29", "30-44", "45-59", "60+")
PLANS = ("basic", "plus", "premium")
REGIONS = ("north", "east", "south", "west")
NOT_EXPERIENCED, MISSING = 99, 98

# Shares within each type, in the order of TYPES: age and plan go with mood, so raking helps.
_AGE = [[0.10, 0.25, 0.35, 0.30], [0.15, 0.30, 0.30, 0.25], [0.35, 0.35, 0.20, 0.10],
        [0.45, 0.30, 0.15, 0.10]]  # fmt: skip
_PLAN = [[0.25, 0.40, 0.35], [0.45, 0.35, 0.20], [0.75, 0.20, 0.05], [0.70, 0.25, 0.05]]
_LOADINGS = {"image": 0.85, "expectation": 0.80, "quality": 0.88, "value": 0.87,
             "satisfaction": 0.90, "complaints": 0.85, "loyalty": 0.85}  # fmt: skip
_MEANS = {"image": 7.2, "expectation": 7.4, "quality": 7.3, "value": 6.7, "satisfaction": 7.2,
          "complaints": 6.6, "loyalty": 7.0}  # fmt: skip


def types_of(rng: np.random.Generator, n: int) -> np.ndarray:
    """The latent type of n customers, as places in TYPES."""
    return _choose(rng, [TRUTH["segments"][t]["share"] for t in TYPES], n)


def attributes(rng: np.random.Generator, kind: np.ndarray) -> pd.DataFrame:
    """What is known of each customer, given the latent type, which is not."""
    n = len(kind)
    person = pd.DataFrame(
        {
            "region": np.array(REGIONS)[_choose(rng, [0.2, 0.3, 0.3, 0.2], n)],
            "age_group": np.array(AGES)[_choose_by(rng, _AGE, kind)],
            "plan": np.array(PLANS)[_choose_by(rng, _PLAN, kind)],
            "gender": np.array(["female", "male", "other"])[_choose(rng, [0.5, 0.48, 0.02], n)],
            "channel": np.array(["web", "app", "phone", "desk"])[
                _choose(rng, [0.4, 0.3, 0.15, 0.15], n)
            ],
        }
    )
    half = np.where(rng.random(n) < TRUTH["callback"]["share"], "called", "control")
    person["callback"] = np.where(person["region"] == TRUTH["quiet"]["region"], "outside", half)
    return person


def latents(
    rng: np.random.Generator, kind: np.ndarray, waves: int, shifts: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What each customer feels in each wave: construct or touchpoint -> (customers, waves).

    `shifts` are added to the construct or touchpoint itself, and work on through the paths.
    """
    shape, names = (len(kind), waves), ("image", *TOUCHPOINTS)
    shares, moods = (np.array([TRUTH["segments"][t][k] for t in TYPES]) for k in ("share", "mood"))
    within = 1 - shares @ moods**2
    common = TRUTH["halo"]["touchpoints"] ** 2
    halo = _persistent(rng, shape)
    felt: dict[str, np.ndarray] = {}
    for name in names:
        part = common if name != "image" else 0.0
        own = np.sqrt(1 - part) * _persistent(rng, shape) + np.sqrt(part) * halo
        felt[name] = moods[kind][:, None] + np.sqrt(within) * own + shifts.get(name, 0.0)
    felt["experience"] = sum(a * felt[t] for t, a in _touchpoint_weights().items())
    for effect, causes in TRUTH["paths"].items():
        noise = np.sqrt(_UNEXPLAINED[effect]) * rng.standard_normal(shape)
        felt[effect] = sum(b * felt[c] for c, b in causes.items()) + noise + shifts.get(effect, 0.0)
    return felt


def answers(
    rng: np.random.Generator, felt: dict[str, np.ndarray], topic: np.ndarray
) -> dict[str, np.ndarray]:
    """Answers to every item, codes included; `felt` holds one value a respondent, as does `topic`.

    `topic` is the place in TOPICS of what the respondent met, -1 for nothing.
    """
    n = len(topic)
    given: dict[str, np.ndarray] = {}
    for construct, items in CONSTRUCTS.items():
        for item in items:
            given[item] = _item(rng, felt[construct], _LOADINGS[construct], _MEANS[construct], 1.9)
    effect = np.array([*(TRUTH["topics"][t]["effect"] for t in TOPICS), 0.0])[topic]
    willing = sum(b * felt[c] for c, b in TRUTH["recommend"].items())
    raw = 7.9 + 2.0 * willing + 0.9 * rng.standard_normal(n)
    given["recommend"] = np.clip(np.rint(raw + effect), 0, 10)
    ease = sum(b * felt[c] for c, b in TRUTH["effort"].items())
    given["effort"] = np.clip(np.rint(5.0 + 1.1 * ease + 0.8 * rng.standard_normal(n)), 1, 7)
    for touchpoint in TOUCHPOINTS:
        answer = _item(rng, felt[touchpoint], 0.85, 7.1, 1.9)
        answer[rng.random(n) < TRUTH["missing"]["touchpoints"]] = MISSING
        answer[rng.random(n) >= TRUTH["usage"][touchpoint]] = NOT_EXPERIENCED
        given[touchpoint] = answer
    return given


def topics(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """What respondents meet in quiet times: places in TOPICS, -1 for nothing."""
    shares = [TRUTH["topics"][t]["share"] for t in TOPICS]
    place = _choose(rng, [*shares, 1 - sum(shares)], int(np.prod(shape))).reshape(shape)
    return np.where(place == len(TOPICS), -1, place)


def survey(n: int, seed: int) -> pd.DataFrame:
    """Draw n answers of one quiet wave in which all answer; codes blank, as a reserve gives them.

    A simple random sample of an endless population, whose values are TRUTH["population"].
    """
    rng = np.random.default_rng([seed, 77])
    kind = types_of(rng, n)
    felt = {name: v[:, 0] for name, v in latents(rng, kind, 1, {}).items()}
    given = answers(rng, felt, topics(rng, (n,)))
    for touchpoint in TOUCHPOINTS:
        skipped = given[touchpoint] == NOT_EXPERIENCED
        given[touchpoint] = np.where(given[touchpoint] > 10, np.nan, given[touchpoint])
        given[f"{touchpoint}_not_experienced"] = skipped
    identity = {"response_id": np.arange(n), "customer_id": np.arange(n)}
    return pd.DataFrame({**identity, "type": kind, **given})


def happenings(person: pd.DataFrame) -> dict[str, np.ndarray]:
    """What the failure, the price and the call-back did to whom: (customers, waves) each."""
    wave, stirred = np.arange(len(WAVES)), (person["region"] != TRUTH["quiet"]["region"])
    failure, price, callback = (TRUTH[k] for k in ("failure", "price", "callback"))
    hit = np.outer(stirred, wave == WAVES.index(failure["wave"]))
    dearer = np.outer(stirred, wave >= WAVES.index(price["from"]))
    called = np.outer(person["callback"] == "called", wave >= WAVES.index(callback["from"]))
    return {
        failure["touchpoint"]: failure["effect"] * hit,
        price["construct"]: price["effect"] * dearer,
        callback["construct"]: callback["effect"] * called,
    }


def stirred_topics(rng: np.random.Generator, shifts: dict[str, np.ndarray]) -> np.ndarray:
    """Topics of every customer and wave; late delivery and high price oftener where they hit."""
    met = topics(rng, shifts["value"].shape)
    for event in (TRUTH["price"], TRUTH["failure"]):
        place = event.get("touchpoint", event.get("construct"))
        usual = TRUTH["topics"][event["topic"]]["share"]
        extra = (event["topic_share"] - usual) / (1 - usual)
        met[(shifts[place] != 0) & (rng.random(met.shape) < extra)] = TOPICS.index(event["topic"])
    return met


def respond(
    rng: np.random.Generator,
    person: pd.DataFrame,
    felt: dict[str, np.ndarray],
    met: np.ndarray,
    active: tuple[np.ndarray, np.ndarray],
) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The responses of all waves: who is invited, who answers, what; `active` is (joined, left).

    Columns `person` and `topic` are the maker's, and do not go into the table. And who was asked,
    on what day each would answer, and the logit of answering, (customers, waves) each.
    """
    rule, n = TRUTH["response"], len(person)
    invited = person["plan"].map(rule["invited"]).to_numpy()
    age = person["age_group"].map(rule["age_group"]).to_numpy()
    odds = rule["intercept"] + rule["satisfaction"] * felt["satisfaction"] + age[:, None]
    day = STARTS + (40 + rng.integers(0, 35, (n, len(WAVES)))).astype("timedelta64[D]")
    here = (day >= active[0][:, None] + np.timedelta64(30, "D")) & (day < active[1][:, None])
    asked = here & (rng.random(day.shape) < invited[:, None])
    i, w = np.nonzero(asked & (rng.random(day.shape) < 1 / (1 + np.exp(-odds))))
    order = np.lexsort((i, day[i, w]))
    i, w = i[order], w[order]
    given = answers(rng, {name: v[i, w] for name, v in felt.items()}, met[i, w])
    known = person.iloc[i].reset_index(drop=True)
    columns = {
        "response_id": [f"r{k:05d}" for k in range(1, len(i) + 1)],
        "customer_id": known["customer_id"],
        "answered_on": day[i, w].astype("datetime64[us]"),
        "wave": np.array(WAVES)[w],
        **{name: known[name] for name in ("channel", "region", "age_group", "plan", "gender")},
        "callback": known["callback"],
        "weight": np.round(1 / invited[i], 4),
        **{item: v.astype("int64") for item, v in given.items()},
    }
    rows = pd.DataFrame(columns).assign(person=i, topic=met[i, w])
    return rows, (asked, day, odds)


def _item(
    rng: np.random.Generator, latent: np.ndarray, loading: float, mean: float, spread: float
) -> np.ndarray:
    noise = rng.standard_normal(len(latent))
    return np.clip(
        np.rint(mean + spread * (loading * latent + np.sqrt(1 - loading**2) * noise)), 1, 10
    )


def _persistent(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    stays = TRUTH["halo"]["persistence"] if shape[1] > 1 else 0.0
    own = rng.standard_normal((shape[0], 1)) if stays else 0.0
    return np.sqrt(stays) * own + np.sqrt(1 - stays) * rng.standard_normal(shape)


def _choose(rng: np.random.Generator, shares: list[float], n: int) -> np.ndarray:
    edges = np.cumsum(shares)
    return np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(shares) - 1)


def _choose_by(rng: np.random.Generator, shares: list[list[float]], kind: np.ndarray) -> np.ndarray:
    edges = np.cumsum(shares, axis=1)[kind]
    return np.minimum((rng.random(len(kind))[:, None] >= edges).sum(1), edges.shape[1] - 1)


def _touchpoint_weights() -> dict[str, float]:
    """The driver effects, scaled so that `experience` has variance 1."""
    effects = np.array([TRUTH["drivers"][t] for t in TOUCHPOINTS])
    spread = np.sqrt(effects @ _exogenous()[1:, 1:] @ effects)
    return dict(zip(TOUCHPOINTS, effects / spread, strict=True))


def _exogenous() -> np.ndarray:
    """Covariance of image and the touchpoints: type moves all, the halo moves the touchpoints."""
    shares, moods = (np.array([TRUTH["segments"][t][k] for t in TYPES]) for k in ("share", "mood"))
    between = shares @ moods**2
    k = len(TOUCHPOINTS)
    cov = np.full((k + 1, k + 1), between)
    cov[1:, 1:] += (1 - between) * TRUTH["halo"]["touchpoints"] ** 2
    np.fill_diagonal(cov, 1.0)
    return cov


def _unexplained() -> dict[str, float]:
    """Residual variance of each latent that leaves it with variance 1."""
    weights = np.array([*_touchpoint_weights().values()])
    exogenous = _exogenous()
    names = ["image", "experience"]
    cov = np.array([[1.0, exogenous[0, 1:] @ weights], [exogenous[0, 1:] @ weights, 1.0]])
    rest: dict[str, float] = {}
    for effect, causes in TRUTH["paths"].items():
        b = np.array([causes.get(name, 0.0) for name in names])
        rest[effect] = 1 - b @ cov @ b
        cov = np.block([[cov, (cov @ b)[:, None]], [(cov @ b)[None], np.ones((1, 1))]])
        names.append(effect)
    return rest


_UNEXPLAINED = _unexplained()
QUESTIONS = (*ITEMS, "recommend", "effort", *TOUCHPOINTS)
