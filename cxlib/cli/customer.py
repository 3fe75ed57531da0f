"""`cx customer`: one customer's card, a file that only its owner may read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cxlib.cli import completion
from cxlib.cli.output import NewPath, near
from cxlib.cli.studies import allow_outside
from cxlib.core import context, files, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _

if TYPE_CHECKING:
    import pandas as pd

    from cxlib.reserve import Reserve

CARDS = "cards"  # folder of a study; git leaves it alone
Facts = list[tuple[str, str]]


@click.command()
@click.argument("study", shell_complete=completion.studies)
@click.argument("customer", metavar="ID")
@allow_outside
@click.option("--lang", type=click.Choice(context.LANGUAGES), default="en", help="Of the card.")
@click.option(
    "-o",
    "--out",
    type=NewPath("folder"),
    metavar="DIR",
    help="Where the card goes; not into reports/. [default: data/STUDY/cards]",
)
def customer(study: str, customer: str, lang: str, out: Path | None) -> None:
    """Write the card of one customer of STUDY.

    ID is a customer_id. The card has attributes, value, risk of leaving, purchase grade, reasons to
    call and rest rules; then every answer, comment, case, order, touchpoint and contact, the latest
    first. It names a customer: only you can read the file, and it never goes into a report.

    \b
    Examples
      cx customer sample c0042
      cx customer mine 10023 --lang zh -o ~/cards
    """
    from cxlib import reserve
    from cxlib.data import study as studies
    from cxlib.report import customer_card

    folder = out or studies.folder_of(study) / CARDS
    name = f"{file_name(customer)}.html"
    if files.inside(folder, [studies.root() / "reports"]):
        raise ValueError(
            f"{near(folder)} is in reports/, which readers see. A card names a customer: give "
            "another folder with -o, or leave it out."
        )
    files.refuse_versioned(folder / name, "A card names a customer")
    with reserve.open(study, lang=lang) as opened:
        history = opened.care.history(customer)
        currency = opened.costs.currency or opened.study.currency
        facts = _facts(opened, customer, history, currency)
        html = customer_card.page(
            customer,
            history,
            facts,
            study=opened.study.title.get(lang, study),  # type: ignore[call-overload]
            items=opened.items_of(),
            currency=currency,
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / name
    files.write(file, html, mode=0o600)
    click.echo(near(file))


def file_name(customer: str) -> str:
    """The customer_id as the name of a file; what no name may hold is replaced.

    Examples
    --------
    >>> file_name("c0042"), file_name("../a b")
    ('c0042', '___a_b-2c2c791a')
    """
    plain = re.sub(r"[^\w-]", "_", customer)
    if plain == customer and len(plain) <= 100:
        return plain
    return f"{plain[:100]}-{hashlib.sha256(customer.encode()).hexdigest()[:8]}"


def _facts(
    opened: Reserve, customer: str, history: dict[str, pd.DataFrame], currency: str
) -> Facts:
    from cxlib.report import customer_card

    found: Facts = []
    if "customers" in history:
        found += customer_card.attributes(history["customers"].iloc[0], currency)
    worth = opened.care.worth()
    if worth is not None and customer in worth.index:
        found.append((_("Value"), i18n.money((float(worth[customer]), currency))))
    return [
        *found,
        *_grade(opened, customer),
        *_risk(opened, customer),
        *_calls(opened, customer, history),
    ]


def _grade(opened: Reserve, customer: str) -> Facts:
    from cxlib import segments

    if not opened.has_columns("orders", "customer_id", "at", "amount"):
        return []
    try:
        grades = segments.rfm_grades(opened.sample("orders"))
    except InsufficientData as error:
        return [(_("Purchase grade"), _not_available(error))]
    return [(_("Purchase grade"), str(grades[customer]))] if customer in grades.index else []


def _risk(opened: Reserve, customer: str) -> Facts:
    """Risk of leaving by the model of page 32, or why none can be made; nothing of who has left."""
    from cxlib import churn
    from cxlib.core.sample import Sample

    if reasons := opened.lacks(["leavers:20"]):
        return [(_("Risk of leaving"), _not_available(InsufficientData(reasons[0])))]
    active = opened.customers.active()
    mine = active[active["customer_id"] == customer]
    if mine.empty:
        return []
    try:
        fit = churn.fit(
            Sample(opened.customers.profiles(), draws=100),
            features=opened.features("churn"),
            validation=churn.Validation(folds=2, repeats=1),
        )
    except InsufficientData as error:
        return [(_("Risk of leaving"), _not_available(error))]
    scored = churn.score(mine, fit).data.iloc[0]
    risk = _(
        "{risk:label} ({probability:share}): {reasons}",
        risk=scored["risk"],
        probability=scored["probability"],
        reasons=scored["reasons"] or "–",
    )
    return [(_("Risk of leaving"), risk)]


def _not_available(error: InsufficientData) -> str:
    return _("not available: {reason}", reason=str(error))


def _calls(opened: Reserve, customer: str, history: dict[str, pd.DataFrame]) -> Facts:
    """Why the customer should be called, and whether rest rules allow it."""
    import pandas as pd

    from cxlib import care, service

    today, study = opened.today, opened.study
    cases = None
    if "cases" in history:
        every, statuses = opened.care.every_case(), opened.care.statuses()
        cases = care.attempt(
            service.times_of, history["cases"], every, study, statuses, as_of=today
        )
    evidence = care.Evidence(
        responses=history.get("responses"),
        outcome=opened.outcome,
        item=study.items.get(opened.outcome),
        cases=cases,
        events=history.get("events"),
        bad=study.journey.bad,
    )
    try:
        found = care.needs(evidence, today)
    except InsufficientData:
        found = pd.DataFrame()
    why = care.in_words(found.iloc[0]) if len(found) else ""
    urgent = pd.Series([bool(len(found)) and bool(found["overdue case"].iloc[0])])
    rest = care.resting(
        pd.Series([customer]),
        history.get("contacts"),
        study.contact_rules,
        today,
        never=opened.care.never(),
        urgent=urgent,
    )
    may = i18n.label(rest.iloc[0]) if rest.iloc[0] else _("may be contacted")
    return [(_("Reason to call"), why or "–"), (_("Rest rules"), may)]
