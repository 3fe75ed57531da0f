"""What customers write, what the company does about it, and how it rates itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.people import TOPICS

# Two openings, the matter, two closings: enough variety to be counted, little enough to be read.
_MATTERS = {
    "late_delivery": {
        "en": ["the parcel came {days} days late", "delivery missed the promised date again",
               "the courier left my order with a stranger", "waited all day for nothing"],
        "zh": ["快递晚到了{days}天", "送货又没有按时到", "包裹送错了地方", "等了一整天也没有送到"],
    },
    "high_price": {
        "en": ["the new prices are too high", "it is no longer worth what it costs",
               "I pay {days}% more than last year for the same thing", "cheaper elsewhere"],
        "zh": ["涨价以后太贵了", "价格和质量不相称", "同样的东西比去年贵了{days}%", "别家更便宜"],
    },
    "app_crash": {
        "en": ["the app crashes when I pay", "the app logged me out {days} times",
               "cannot open my booking in the app", "the app is slow and freezes"],
        "zh": ["付款时应用闪退", "应用让我重新登录了{days}次", "应用里打不开订单", "应用又慢又卡"],
    },
    "wrong_bill": {
        "en": ["I was charged twice", "the invoice was wrong and nobody corrected it",
               "the refund is {days} days overdue", "there was a fee nobody had told me about"],
        "zh": ["重复扣款了", "发票开错了没人更正", "退款晚了{days}天", "有没说明的费用"],
    },
    "slow_support": {
        "en": ["support took {days} days to answer", "nobody on the phone could help me",
               "I had to explain the problem three times", "the chat never answered"],
        "zh": ["客服{days}天才回复", "电话里没人能解决", "同一个问题讲了三遍", "在线客服不回"],
    },
    "friendly_staff": {
        "en": ["the staff at the desk were very kind", "everyone was helpful and smiling",
               "reception solved my problem at once", "the warmest welcome in years"],
        "zh": ["前台服务非常热情", "工作人员都很友好", "前台马上帮我解决了问题", "接待很周到"],
    },
    "clean_room": {
        "en": ["the room was spotless and quiet", "a very comfortable bed and a clean bathroom",
               "lovely room with a view", "the room was better than in the pictures"],
        "zh": ["房间很干净也很安静", "床很舒服，卫生间干净", "房间视野很好", "房间比照片还好"],
    },
    "easy_booking": {
        "en": ["booking took two minutes", "the website made everything easy",
               "changing my booking was simple", "clear prices and an easy order"],
        "zh": ["预订只用了两分钟", "网站很好用", "改订单很方便", "下单简单，价格清楚"],
    },
    "": {
        "en": ["all as expected", "nothing special to say", "it was fine"],
        "zh": ["一切正常", "没什么特别的", "还可以"],
    },
}  # fmt: skip
_OPENINGS = {
    "en": ["", "My stay: ", "Honestly, ", "This time "],
    "zh": ["", "这次", "说实话，", "总的来说，"],
}
_CLOSINGS = {
    "good": {"en": [".", ", will come again.", ", thank you!"],
             "zh": ["。", "，下次还会来。", "，谢谢！"]},
    "bad": {"en": [".", ", very disappointed.", ", please do something."],
            "zh": ["。", "，很失望。", "，希望改进。"]},
    "plain": {"en": ["."], "zh": ["。"]},
}  # fmt: skip
# Made up, to be masked. The domain and the 555-01 numbers are reserved for examples.
_PERSONAL = {
    "en": [" Call me on 555-01{k:02d}.", " Write to guest{k}@example.com."],
    "zh": ["请回电1380000{k:04d}。", "请发邮件到 guest{k}@example.com。"],
}
DIMENSIONS = ("strategy", "governance", "process", "technology", "measurement", "people",
              "closed_loop", "value")  # fmt: skip


def comments(
    rng: np.random.Generator, answered: pd.DataFrame, language: np.ndarray
) -> pd.DataFrame:
    """Comments to the responses `answered` (with its `topic`): most who met a thing write of it."""
    writes = rng.random(len(answered)) < np.where(answered["topic"] >= 0, 0.75, 0.15)
    rows, language = answered[writes], language[writes]
    texts = [
        _text(rng, TOPICS[topic] if topic >= 0 else "", lang)
        for topic, lang in zip(rows["topic"], language, strict=True)
    ]
    return pd.DataFrame(
        {
            "comment_id": [f"t{k:05d}" for k in range(1, len(rows) + 1)],
            "customer_id": rows["customer_id"].to_numpy(),
            "response_id": rows["response_id"].to_numpy(),
            "at": rows["answered_on"].to_numpy(),
            "channel": rng.choice(["survey", "review"], len(rows), p=[0.8, 0.2]),
            "lang": language,
            "text": texts,
            "score": rows["recommend"].to_numpy(),
        }
    )


def _text(rng: np.random.Generator, topic: str, lang: str) -> str:
    opening, matter, closing, personal = rng.random(4)
    good = topic in ("friendly_staff", "clean_room", "easy_booking")
    closings = _CLOSINGS["plain" if not topic else "good" if good else "bad"][lang]
    matters, openings = _MATTERS[topic][lang], _OPENINGS[lang]
    text = (
        openings[int(opening * len(openings))]
        + matters[int(matter * len(matters))].format(days=2 + int(closing * 9))
        + closings[int(closing * len(closings))]
    )
    if personal < 0.04:
        text += _PERSONAL[lang][int(personal * 50) % 2].format(k=int(opening * 99) + 1)
    return text[0].upper() + text[1:]


# What a review may speak of, its words, the share who speak of it and the points that go with it.
REVIEWED = {
    "delivery": ("parcel courier delivery late box van doorstep shipping", 0.30, -2.0),
    "price": ("price cost fee money euro tariff cheaper discount", 0.25, -1.0),
    "room": ("room bed bathroom view window balcony pillow floor", 0.30, 1.0),
    "breakfast": ("breakfast coffee fruit bread buffet egg juice tea", 0.20, 0.0),
}


def reviews(rng: np.random.Generator, n: int, *, together: float = 0.0) -> pd.DataFrame:
    """Reviews of two waves whose topics and their parts in the score are known (`REVIEWED`).

    text, lang, wave ("1", "2"), score (mean 7 without a topic, standard deviation one), and a
    column a topic, 1.0 where it is spoken of. Who speaks of delivery speaks of breakfast too with
    chance `together`, which does nothing to the score.
    """
    names = list(REVIEWED)
    shares = np.array([share for _, share, _ in REVIEWED.values()])
    there = rng.random((n, len(names))) < shares
    there[:, 3] |= there[:, 0] & (rng.random(n) < together)
    score = 7 + there @ [points for _, _, points in REVIEWED.values()] + rng.standard_normal(n)
    words = [said.split() for said, _, _ in REVIEWED.values()]
    picked = rng.random((n, len(names), 8)).argsort(-1)[:, :, :4]
    texts = [
        "; ".join(" ".join(words[t][w] for w in picked[i, t]) for t in np.flatnonzero(row))
        or "it was ok"
        for i, row in enumerate(there)
    ]
    rows = pd.DataFrame({"text": texts, "lang": "en", "score": score})
    return rows.assign(wave=np.where(np.arange(n) < n // 2, "1", "2"), **dict(
        zip(names, there.astype(float).T, strict=True)
    ))  # fmt: skip


def actions() -> pd.DataFrame:
    """The ledger; predicted and realised are points of NPS, money is EUR."""
    nan = None
    rows = [  # problem, class, level, owner, customer, begun, due, done, status, cost, effects ...
        ("Deliveries miss the promised date", "process", "department", "logistics", nan,
         "2026-04-01", "2026-09-30", nan, "started", 9000, 4.0, 1.5, 6.5, 3268, nan, nan, nan),
        ("Dissatisfied customers hear nothing from us", "process", "team", "service", nan,
         "2025-10-01", "2025-12-31", "2025-12-20", "done", 6000, 20.0, 8.0, 32.0, 1763,
         22.7, 13.8, 32.3),
        ("Prices rose without an explanation", "policy", "board", "pricing", nan,
         "2026-01-15", "2026-12-31", nan, "planned", 12000, 2.5, -1.0, 6.0, 458, nan, nan, nan),
        ("The app crashes on payment", "product", "department", "digital", nan,
         "2026-06-01", "2026-11-30", nan, "started", 15000, 1.5, -0.5, 3.5, 2830, nan, nan, nan),
        ("Wrong bills are corrected late", "process", "department", "finance", nan,
         "2025-05-01", "2025-09-30", "2025-09-26", "done", 2500, 1.0, 0.0, 2.0, 3535, 0.3, -0.9,
         1.5),
        ("Night desk is understaffed", "policy", "department", "operations", nan,
         "2025-11-01", "2026-03-31", "2026-02-10", "dropped", 30000, 1.0, -2.0, 4.0, 880, nan, nan,
         nan),
        ("A complaint about billing is open", "one customer", "front line", "team C", "c2904",
         "2026-09-27", "2026-09-30", "2026-09-29", "done", 4, *[nan] * 7),
        ("A complaint about billing is open", "one customer", "front line", "team A", "c1236",
         "2026-09-27", "2026-09-29", nan, "started", 4, *[nan] * 7),
        ("A complaint about billing is open", "one customer", "front line", "team A", "c2542",
         "2026-09-28", "2026-10-02", nan, "started", 4, *[nan] * 7),
    ]  # fmt: skip
    columns = ["problem", "class", "level", "owner", "customer_id", "begun_on", "due_on", "done_on",
               "status", "cost", "predicted", "predicted_low", "predicted_high", "answers",
               "realised", "realised_low", "realised_high"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "action_id", [f"a{k:02d}" for k in range(1, len(table) + 1)])
    outer = table["predicted"].notna()
    table.insert(10, "measure", np.where(outer, "NPS", None))
    table.insert(15, "worth", np.where(outer, 4000.0, np.nan))
    about = ["delivery", "recommend", "value1", "app", "billing", "check_in", *[None] * 3]
    table.insert(5, "about", about)
    # The call-back is told in points of those it reaches, a quarter of all.
    table.loc[table["owner"] == "service", "worth"] = 1000.0
    for column in ("predicted", "realised"):
        ends = [column, f"{column}_low", f"{column}_high"]
        table[ends] = table[ends].astype(float)
    table["answers"] = table["answers"].astype("Int64")
    for day in ("begun_on", "due_on", "done_on"):
        table[day] = pd.to_datetime(table[day]).astype("datetime64[us]")
    return table


def audits(rng: np.random.Generator) -> pd.DataFrame:
    """Three raters on eight dimensions at levels 2 to 5: about level 3, weak in closed loop."""
    items = [(d, level) for d in DIMENSIONS for level in (2, 3, 4, 5)]
    strength = {"measurement": 4.2, "closed_loop": 2.0, "value": 2.4}
    rows = []
    for rater in ("rater 1", "rater 2", "rater 3"):
        for dimension, level in items:
            met = strength.get(dimension, 3.2) - level + 0.4 * rng.standard_normal()
            rows.append((f"{dimension}-{level}", rater, int(np.clip(np.rint(2.2 + met), 0, 3))))
    table = pd.DataFrame(rows, columns=["item", "rater", "evidence"])
    table.insert(0, "audit_id", [f"u{k:03d}" for k in range(1, len(table) + 1)])
    table.insert(3, "on", pd.Timestamp("2026-09-15"))
    return table.astype({"on": "datetime64[us]"})
