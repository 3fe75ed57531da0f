"""Which channels, products or branches work? Side by side, by any column of groups.

    names = channels.largest([contacts, cases, answers], "channel")
    contacts = channels.only(contacts, "channel", names)
    channels.volume({"events": contacts, "cases": cases}, "channel")   # shares of each table
    channels.rate(cases, "solved_in_time", by="channel")               # share, against all others
    channels.per_contact(cases, contacts, by="channel", what="cases")  # cases per 100 contacts
    channels.conversion(visits, orders, by="channel")                  # contacts before an order
    issues = channels.issues(cases, by="channel", days=30)             # first contact to the last
    channels.first_contact(issues, by="channel"), channels.moved(issues, by="channel")
    channels.users(contacts, by="channel", mix=["region", "age_group"])
    fit = channels.adjusted(answers, "recommend", by="channel", mix=["region"], measure=measure)
    channels.priorities(fit)                       # how much the gap to the best channel makes
    channels.overview([fit, solved, ...])            # one tile a channel and measure

Customers choose channels: a difference that is left when the mix of customers is the same need not
be the channel's effect.
"""

from __future__ import annotations

from cxlib.channels.adjustment import adjusted
from cxlib.channels.groups import largest, only
from cxlib.channels.issues import cost, first_contact, issues, moved, moves, touches
from cxlib.channels.overview import overview
from cxlib.channels.priorities import priorities
from cxlib.channels.rates import conversion, per_contact, rate, volume
from cxlib.channels.users import contact_steps, mixed, user_tiles, users
from cxlib.core.errors import attempt

__all__ = [
    "adjusted",
    "attempt",
    "contact_steps",
    "conversion",
    "cost",
    "first_contact",
    "issues",
    "largest",
    "mixed",
    "moved",
    "moves",
    "only",
    "overview",
    "per_contact",
    "priorities",
    "rate",
    "touches",
    "user_tiles",
    "users",
    "volume",
]
