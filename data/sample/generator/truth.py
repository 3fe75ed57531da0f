"""What is true of the made-up company, as numbers: the methods are tested against these.

Latent variables have mean 0 and variance 1 in a quiet wave; effects are in those units unless a
line says otherwise.
"""

from __future__ import annotations

WAVES = ("2024-Q4", "2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3")
CONSTRUCTS = {  # the index model: construct -> its items
    "image": ("image1", "image2", "image3"),
    "expectation": ("expectation1", "expectation2", "expectation3"),
    "quality": ("quality1", "quality2", "quality3"),
    "value": ("value1", "value2"),
    "satisfaction": ("satisfaction1", "satisfaction2", "satisfaction3"),
    "complaints": ("complaint_handling",),
    "loyalty": ("loyalty1", "loyalty2"),
}
TOUCHPOINTS = ("website", "booking", "check_in", "room", "delivery", "support", "billing", "app")
ITEMS = tuple(item for items in CONSTRUCTS.values() for item in items)

TRUTH: dict[str, dict] = {
    # structural coefficients between standardised latents: effect -> cause -> coefficient
    "paths": {
        "expectation": {"image": 0.50},
        "quality": {"expectation": 0.25, "experience": 0.80},
        "value": {"expectation": 0.10, "quality": 0.65},
        "satisfaction": {"image": 0.20, "expectation": 0.05, "quality": 0.50, "value": 0.25},
        "complaints": {"satisfaction": 0.55},
        "loyalty": {"image": 0.15, "satisfaction": 0.65, "complaints": 0.10},
    },
    # what `recommend` and `effort` are made of, before noise
    "recommend": {"satisfaction": 0.5, "loyalty": 0.5},
    "effort": {"support": 0.5, "booking": 0.4, "satisfaction": 0.3},
    # `experience` is their weighted sum, brought to variance 1
    "drivers": {
        "website": 0.20,
        "booking": 0.15,
        "check_in": 0.20,
        "room": 0.50,
        "delivery": 0.40,
        "support": 0.30,
        "billing": 0.10,
        "app": 0.05,
    },
    # loading of the touchpoints on a common factor; share of a feeling that stays with a person
    "halo": {"touchpoints": 0.5, "persistence": 0.6},
    # visits of the website by stage: how many, and the chances of a bounce and of a conversion
    "visits": {
        "awareness": {"visits": 2400, "bounce": 0.55, "conversion": 0.01},
        "discovery": {"visits": 2800, "bounce": 0.42, "conversion": 0.03},
        "interest": {"visits": 1600, "bounce": 0.30, "conversion": 0.06},
        "consideration": {"visits": 1200, "bounce": 0.18, "conversion": 0.20},
    },
    "self_service": 0.7,  # share of help visits without a case within 30 days
    "usage": {  # share who met the touchpoint; others answer 99, at random
        "website": 0.98,
        "booking": 0.97,
        "check_in": 0.92,
        "room": 0.92,
        "delivery": 0.85,
        "support": 0.75,
        "billing": 0.97,
        "app": 0.80,
    },
    "missing": {"touchpoints": 0.015},  # coded 98, at random
    # latent customer types; `mood` shifts image and every touchpoint
    "segments": {
        "devoted": {"share": 0.25, "mood": 0.55, "orders": 2.0, "basket": 80.0,
                    "discount_share": 0.15, "mobile_share": 0.55},
        "steady": {"share": 0.35, "mood": 0.10, "orders": 0.8, "basket": 140.0,
                   "discount_share": 0.10, "mobile_share": 0.15},
        "bargain": {"share": 0.25, "mood": -0.25, "orders": 1.3, "basket": 30.0,
                    "discount_share": 0.65, "mobile_share": 0.35},
        "drifting": {"share": 0.15, "mood": -0.22 / 0.30, "orders": 0.3, "basket": 60.0,
                     "discount_share": 0.35, "mobile_share": 0.85},
    },
    # quarterly log-odds of leaving in the next quarter
    "churn": {
        "intercept": -3.2,
        "satisfaction": -0.7,
        "basic": 0.5,
        "premium": -0.4,
        "case": 0.7,
        "first_year": 0.3,
        "callback": -0.5,
        "fading": 0.5,  # orders in a customer's last full quarter, as a share of the usual
    },
    # cases are handled alike for all plans: how long they take depends on their severity alone
    # statuses of cases: share that waits for its customer at some time, and how much of the time
    # from reply to solution
    "statuses": {"waiting": 0.35, "part": 0.24},
    # shares of the reasons of those who left; `known` is the share who gave one
    "reasons": {"died": 0.02, "moved": 0.06, "other ties": 0.07, "competition": 0.25,
                "product": 0.35, "attitude of staff": 0.25, "known": 0.7},
    # share of respondents who meet it in a quiet wave; effect in points on `recommend`
    "topics": {
        "late_delivery": {"share": 0.07, "effect": -1.5},
        "high_price": {"share": 0.07, "effect": -1.0},
        "app_crash": {"share": 0.05, "effect": -1.2},
        "wrong_bill": {"share": 0.04, "effect": -1.8},
        "slow_support": {"share": 0.06, "effect": -1.3},
        "friendly_staff": {"share": 0.12, "effect": 1.0},
        "clean_room": {"share": 0.10, "effect": 0.8},
        "easy_booking": {"share": 0.09, "effect": 0.6},
    },
    # log-odds that an invited customer answers; invitation is by plan, and known
    "response": {
        "intercept": -0.3,
        "satisfaction": 0.35,
        "age_group": {"18-29": -0.9, "30-44": -0.2, "45-59": 0.4, "60+": 0.8},
        "invited": {"basic": 0.35, "plus": 0.45, "premium": 0.70},
    },
    # of those invited who answer, a share (logit) does so within `days`, the satisfied more; a half
    # of those still silent then, drawn at random, are reminded, and answer `ratio` times as often
    "reminder": {"days": 7, "early": 0.6, "satisfaction": 0.4, "share": 0.5, "ratio": 2.0},
    # chance of a product of the liked category, and of another, in an order; a bundle is added
    # whole by its own chance; `habit`: size of the beta of a customer's chances about the type's
    "offers": {
        "favourites": {"devoted": "wellness", "steady": "dining", "bargain": "shop",
                       "drifting": "travel"},
        "liked": 0.20,
        "other": 0.085,
        "habit": 12.0,
        "together": {("afternoon tea", "tea set"): 0.03, ("double room", "airport transfer"): 0.03,
                     ("spa visit", "massage", "bathrobe"): 0.02},
        # of orders of all types, to one decimal (baskets.lifts)
        "lift": {("afternoon tea", "tea set"): 2.2, ("double room", "airport transfer"): 2.9,
                 ("spa visit", "massage"): 1.7, ("spa visit", "bathrobe"): 1.7,
                 ("massage", "bathrobe"): 1.7},
    },
    # what happened, everywhere but in the quiet region
    "failure": {"wave": "2026-Q1", "touchpoint": "delivery", "effect": -1.2,
                "topic": "late_delivery", "topic_share": 0.35},
    "price": {"from": "2025-Q3", "construct": "value", "effect": -0.4,
              "topic": "high_price", "topic_share": 0.14},
    "callback": {"from": "2025-Q4", "construct": "satisfaction", "effect": 0.35, "share": 0.5},
    # call-backs and e-mails in the table of contacts. A call does what the programme does: points
    # of NPS, and spend in the 75 days after it (EUR a customer, those who stay), of 200,000 people
    "contacts": {"looked_at": 0.5, "reached": 0.7, "follow_up": 75, "nps": 18.6, "spend": 5.8,
                 "mails": 3000, "mail_outcomes": {"opened": 0.4, "not opened": 0.585,
                                                  "asked not to be contacted": 0.015}},
    "quiet": {"region": "north"},
    # training of front desks, hotel by hotel: its effect on `welcome`, in points of the scale, in
    # the first, second and later waves; `quarters`: spread of what hotels do by themselves
    "training": {
        "begun": {
            **dict.fromkeys(["hotel 01", "hotel 02", "hotel 03", "hotel 04"], "2025-Q2"),
            **dict.fromkeys(["hotel 05", "hotel 06", "hotel 07", "hotel 08"], "2025-Q4"),
            **dict.fromkeys(["hotel 09", "hotel 10", "hotel 11"], "2026-Q2"),
        },
        "effect": (0.5, 0.8, 1.1),
        "quarters": 0.2,
    },
    # shares of active customers over the eight waves: the margins to rake to
    "margins": {
        "region": {"north": 0.198, "east": 0.287, "south": 0.311, "west": 0.204},
        "age_group": {"18-29": 0.21, "30-44": 0.301, "45-59": 0.261, "60+": 0.228},
        "plan": {"basic": 0.464, "plus": 0.338, "premium": 0.198},
    },
    # what `survey` samples from, found once from 4 million rows (population_truth, csi, drivers)
    "population": {
        "nps": 8.99,  # points
        "csat": 0.2481,  # share of 9 or 10 on satisfaction1
        "mean": 7.146,  # of satisfaction1
        "effort": 4.969,
        "index": {  # 0-100, PLS path model `ecsi12` on the items
            "image": 68.27,
            "expectation": 70.32,
            "quality": 69.33,
            "value": 63.02,
            "satisfaction": 68.27,
            "complaints": 61.94,
            "loyalty": 66.18,
        },
        "drivers": {  # shares of R² 0.190 of `recommend` on the eight touchpoints
            "website": 0.112,
            "booking": 0.102,
            "check_in": 0.112,
            "room": 0.197,
            "delivery": 0.166,
            "support": 0.138,
            "billing": 0.093,
            "app": 0.080,
        },
    },
}  # fmt: skip
