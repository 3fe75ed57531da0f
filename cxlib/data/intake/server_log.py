"""Server logs in the combined log format, as visits: a row a visit, without addresses.

Requests of one address and browser are one visit until they pause for 30 minutes. Pages count, not
the images and scripts on them, and neither do robots, errors or redirects. Addresses and browsers
only tell visits apart; neither is kept.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd

from cxlib.data.intake.encodings import to_utf8
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import Raw, numbered
from cxlib.data.mapping import Reading

COLUMNS = ("visit", "user", "started", "landing_page", "pages", "minutes", "referrer", "device")
LINE = re.compile(
    r"(?P<host>\S+) \S+ (?P<user>\S+) \[(?P<at>\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] "
    r'"(?P<method>[A-Z]+) (?P<path>\S+)[^"]*" (?P<status>\d{3}) \S+'
    r'(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?'
)
START = re.compile(LINE.pattern.encode())
PAUSE = pd.Timedelta(minutes=30)
ASSET = re.compile(r"\.(?:css|js|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|xml|txt|json)$", re.I)
ROBOT = re.compile(r"bot|crawl|spider|slurp|monitor|curl|wget|python-requests", re.I)
PHONE = re.compile(r"Mobi|Android|iPhone|iPad", re.I)


def read(path: Path, name: str, options: Reading) -> Raw:
    """The visits of a log in the combined (or common) log format."""
    content, encoding, _unused = to_utf8(path.read_bytes(), name, options.encoding)
    lines = [line for line in content.decode().split("\n") if line.strip()]
    found = [m.groupdict("") for m in map(LINE.match, lines) if m]
    if not found:
        raise IntakeError(
            f"{name} is no server log in the combined format. Export its visits as CSV."
        )
    requests = pd.DataFrame(found)
    pages = requests[
        requests["method"].eq("GET")
        & requests["status"].str.match(r"200|304")
        & ~requests["agent"].str.contains(ROBOT)
        & ~requests["path"].str.replace(r"[?#].*", "", regex=True).str.contains(ASSET)
    ]
    visits = _visits(pages)
    note = (
        f"{name}: a server log of {len(lines):,} lines, {len(lines) - len(found):,} of them not "
        f"readable; {len(pages):,} page views in {len(visits):,} visits. Addresses are not kept."
    )
    return numbered(visits, [note], encoding=encoding)


def _visits(pages: pd.DataFrame) -> pd.DataFrame:
    """Page views put together: one address and browser, with no pause of 30 minutes."""
    if pages.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    at = pd.to_datetime(pages["at"], format="%d/%b/%Y:%H:%M:%S %z", utc=True).dt.tz_localize(None)
    local = pd.to_datetime(pages["at"].str[:20], format="%d/%b/%Y:%H:%M:%S")
    rows = pages.assign(at=at, local=local).sort_values(["host", "agent", "at"], kind="stable")
    visitor = rows.groupby(["host", "agent"], sort=False)["at"]
    number = (visitor.diff().isna() | (visitor.diff() > PAUSE)).cumsum()
    rows["user"] = rows["user"].where(rows["user"] != "-")
    grouped = rows.groupby(number.to_numpy(), sort=True)
    took = (grouped["at"].max() - grouped["at"].min()) / pd.Timedelta(minutes=1)
    visits = pd.DataFrame(
        {
            "user": grouped["user"].first(),
            "started": grouped["local"].first(),  # as cases and answers have it
            "landing_page": grouped["path"].first().map(lambda p: urlsplit(p).path or "/"),
            "pages": grouped.size(),
            "minutes": took.round(1),
            "referrer": grouped["referrer"].first().map(_site),
            "device": grouped["agent"].first().map(_device),
        }
    ).sort_values("started", kind="stable")
    visits["started"] = visits["started"].dt.strftime("%Y-%m-%d %H:%M:%S")
    visits.insert(0, "visit", [f"v{k}" for k in range(1, len(visits) + 1)])
    return visits.reset_index(drop=True)


def _site(referrer: str) -> str:
    """The site of a referrer; "direct" without one."""
    try:
        return urlsplit(referrer).hostname or "direct"
    except ValueError:
        return "direct"


def _device(agent: str) -> str:
    return "phone" if PHONE.search(agent) else "computer"
