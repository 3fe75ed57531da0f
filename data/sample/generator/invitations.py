"""Who was invited to the survey and reminded, and which invitation came back as which answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.truth import TRUTH, WAVES

CHANNELS = ("email", "sms")


def invitations(
    rng: np.random.Generator,
    asked: np.ndarray,
    day: np.ndarray,
    odds: np.ndarray,
    satisfaction: np.ndarray,
    answered: pd.DataFrame,
) -> pd.DataFrame:
    """The invitations and reminders of all waves, oldest first; `person` is the place of whom.

    Who answers, and when, is known already: the dates of invitations and reminders are drawn
    backwards from it, so that what `TRUTH["reminder"]` says holds.

    Parameters
    ----------
    asked, day, odds, satisfaction : (customers, waves): who was invited, the day on which an answer
        came or would have come, the logit of answering, how satisfied they were
    answered : the answers, with response_id, wave and person
    """
    rule = TRUTH["reminder"]
    person, wave = np.nonzero(asked)
    place = pd.Series(
        answered["response_id"].to_numpy(),
        pd.MultiIndex.from_arrays([answered["person"], answered["wave"].map(WAVES.index)]),
    )
    back = place.reindex(pd.MultiIndex.from_arrays([person, wave])).to_numpy(object)
    there = pd.notna(back)
    share = 1 / (1 + np.exp(-odds[person, wave]))
    early = 1 / (1 + np.exp(-rule["early"] - rule["satisfaction"] * satisfaction[person, wave]))
    late = (1 - early) * share / (1 - early * share)  # of those silent when reminders go out
    mixed = rule["share"] * rule["ratio"] + 1 - rule["share"]
    plain = np.minimum(late / mixed, 1 / rule["ratio"])
    with_reminder = np.where(there, rule["ratio"] * plain, 1 - rule["ratio"] * plain)
    without = np.where(there, plain, 1 - plain)
    weighed = rule["share"] * with_reminder
    first = rng.random(len(person)) < early
    reminded = rng.random(len(person)) < weighed / (weighed + (1 - rule["share"]) * without)
    reminded &= ~(there & first)
    quick, slow = rng.integers(0, rule["days"], (2, len(person)))
    waited = np.where(there & first, quick, rule["days"] + slow)
    sent = day[person, wave] - waited.astype("timedelta64[D]")
    channel = np.array(CHANNELS)[(rng.random(len(person)) < 0.3).astype(int)]
    columns = {"person": person, "wave": np.array(WAVES)[wave], "channel": channel}
    letters = pd.DataFrame({**columns, "sent_at": sent, "reminder_of": pd.NA, "response_id": back})
    again = letters[reminded].assign(
        sent_at=sent[reminded] + np.timedelta64(rule["days"], "D"),
        reminder_of=np.nonzero(reminded)[0],
    )
    letters.loc[reminded, "response_id"] = pd.NA  # what came back answered the reminder
    table = pd.concat([letters.assign(old=letters.index), again.assign(old=-1)], ignore_index=True)
    table = table.sort_values(["sent_at", "person", "old"], kind="stable", ignore_index=True)
    table.insert(0, "invitation_id", [f"v{k:05d}" for k in range(1, len(table) + 1)])
    names = table[table["old"] >= 0].set_index("old")["invitation_id"]
    table["reminder_of"] = table["reminder_of"].map(names)
    table["sent_at"] = table["sent_at"].astype("datetime64[us]")
    order = ["invitation_id", "person", "wave", "sent_at", "channel", "reminder_of", "response_id"]
    return table[order]
