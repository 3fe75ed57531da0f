"""The terms of the reports, each explained in a sentence or two, with formula or source.

for term in glossary.terms():
    print(term.slug, term.name, term.meaning, term.source)
"""

from __future__ import annotations

from dataclasses import dataclass

from cxlib.core.i18n import N_, _


@dataclass(frozen=True)
class Term:
    """A term in the page's language."""

    slug: str
    name: str
    meaning: str
    source: str = ""


# Slug, term, meaning, source: in the order of the chapters of a report.
MEASURES = (
    ("nps", N_("Net Promoter Score (NPS)"),
     N_("The share of promoters (answers 9 and 10 to “How likely are you to recommend us?”) minus "
        "the share of detractors (0 to 6), in points from −100 to +100."),
     "Reichheld 2003"),
    ("csat", N_("CSAT (top-2 box)"),
     N_("The share of customers who gave one of the two best answers to the question of "
        "satisfaction."), ""),
    ("ces", N_("Customer effort score (CES)"),
     N_("The mean answer to “It was easy to …”, usually from 1 to 7; more is easier."),
     "Dixon, Freeman and Toman 2010"),
    ("satisfaction-index", N_("Satisfaction index"),
     N_("A score from 0 to 100 from several questions, weighted by a model in which expectations, "
        "quality and value lead to satisfaction, and satisfaction to loyalty."),
     "Fornell et al. 1996"),
    ("response-sla", N_("First-response SLA met"),
     N_("The share of cases whose first reply came within the time that was promised."), ""),
    ("resolution-sla", N_("Resolution SLA met"),
     N_("The share of cases that were solved within the time that was promised."), ""),
    ("fcr", N_("First contact resolution"),
     N_("The share of problems solved at the first contact: the customer does not contact you "
        "about the same within a set number of days."), ""),
    ("clv", N_("Customer lifetime value (CLV)"),
     N_("The margin that a customer is expected to bring over a period (sales, where no margin is "
        "stated), later amounts discounted: the sum of margin × probability of still buying ÷ (1 + "
        "discount rate) to the power of the time."),
     "Fader, Hardie and Lee 2005"),
    ("churn", N_("Churn"),
     N_("The share of customers who left, or bought nothing for so long that they count as lost, "
        "in a period. Retention is the other share."), ""),
    ("repeat-purchase", N_("Repeat purchase rate"),
     N_("The share of new customers who buy again within a set number of days; those who cannot "
        "be followed so long count for as long as they can (Kaplan–Meier)."), ""),
    ("rfm", N_("RFM"),
     N_("Grades of customers by recency, frequency and monetary value of their purchases."), ""),
    ("experience-reserve", N_("Experience reserve"),
     N_("All experience data of a study in one place: surveys, behaviour, purchases, cases and "
        "comments, joined by customer."), ""),
    ("maturity", N_("CX maturity stage"),
     N_("How far a company has come in managing customer experience, from stage 1 (Initial) to "
        "stage 5; the weakest dimension sets the stage."), ""),
)  # fmt: skip
STATISTICS = (
    ("ci", N_("95% confidence interval (95% CI)"),
     N_("A range that covers the true value in 95 of 100 samples like this one. It shows "
        "sampling error alone, not errors of the questions or of who answers."), ""),
    ("simultaneous", N_("Simultaneous 95% confidence intervals"),
     N_("Intervals so wide that all of a table cover their true values together in 95 of 100 "
        "samples. They decide verdicts where many values are compared."), ""),
    ("significant", N_("Statistically significant"),
     N_("The interval of the difference, adjusted for the number of comparisons, excludes 0. "
        "“May be higher” means that only the unadjusted interval does."), ""),
    ("p-value", N_("p-value"),
     N_("How often a difference at least this large would appear if there were none. Below 0.05 "
        "counts as significant; p-values of many tests are adjusted."), "Holm 1979"),
    ("bootstrap", N_("Bootstrap, clustered by customer"),
     N_("The sample is drawn again many times, all rows of a customer together; the spread of the "
        "results gives the interval."), "Efron and Tibshirani 1993"),
    ("weighting", N_("Weighting (raking)"),
     N_("Answers count more or less so that the groups have their share of the customers."),
     "Deming and Stephan 1940"),
    ("response-rate", N_("Response rate"),
     N_("The share of those asked who answered. It does not say how the others differ."),
     "AAPOR 2023"),
    ("tipping-point", N_("Tipping point"),
     N_("How different those who did not answer would have to be to change a verdict. Nobody knows "
        "the difference; a tipping point far from what late answers show is reassuring."),
     "Liublinska and Rubin 2014"),
    ("association", N_("Is associated with"),
     N_("The two go up and down together. That one causes the other does not follow; only "
        "randomised changes say so."), ""),
    ("driver", N_("Key driver"),
     N_("An experience whose rating explains much of the outcome. Its share of explained variance "
        "is shared out fairly among all drivers (Shapley value, LMG); all shares add up to R²."),
     "Lindeman, Merenda and Gold 1980"),
    ("r2", N_("R² (explained variance)"),
     N_("The part of the differences between customers that the model explains, from 0 to 1."), ""),
    ("penalty-reward", N_("Penalty and reward"),
     N_("How much a low rating costs, and a high one adds, against a middling one. Must-be: it "
        "only costs; attractive: it only adds; performance: both."), "Kano et al. 1984"),
    ("control-limits", N_("Control limits"),
     N_("Where the values of a stable process lie. A value outside them calls for a reason."),
     "Shewhart 1931"),
    ("discriminant-validity", N_("Discriminant validity"),
     N_("Whether two constructs are distinct: the heterotrait–monotrait ratio (HTMT) of their "
        "questions is below 0.90."), "Henseler, Ringle and Sarstedt 2015"),
    ("segment-stability", N_("Segment stability (Jaccard)"),
     N_("How much of a segment is found again when the sample is drawn again: 1 is all. From 0.75 "
        "on a segment is stable."), "Hennig 2007"),
    ("auc", N_("AUC"),
     N_("How well a model ranks: the probability that it gives a customer who left a higher risk "
        "than one who stayed. 0.5 is no better than a coin, 1 is perfect."), ""),
    ("churn-risk", N_("High risk of leaving"),
     N_("The churn model’s probability that an active customer leaves within the horizon is at or "
        "above the threshold of its page."), ""),
    ("inactive", N_("Probably inactive"),
     N_("The purchase model’s probability that a customer has stopped buying already is 50% or "
        "more. It is no forecast of leaving: nobody says that they stop."),
     "Fader, Hardie and Lee 2005"),
    ("lift", N_("Lift"),
     N_("How many times as often two things are bought together as if they had nothing to do with "
        "each other."), ""),
    ("kaplan-meier", N_("Kaplan–Meier estimate"),
     N_("The share of customers retained after a time, customers who are followed for less "
        "counted as long as they are followed."), "Kaplan and Meier 1958"),
    ("krippendorff-alpha", N_("Krippendorff’s α"),
     N_("How far raters agree beyond what guessing gives: 1 is full agreement, 0 none. Below 0.67 "
        "ratings are not reliable."), "Krippendorff 2018"),
    ("kappa", N_("Cohen’s κ"),
     N_("Agreement of two coders beyond what guessing gives, from 0 to 1."), "Cohen 1960"),
)  # fmt: skip
CAUSES = (
    ("randomised", N_("Randomised, random assignment"),
     N_("Who gets a change is decided at random, so that treated and control customers differ in "
        "nothing else on average."), ""),
    ("treated", N_("Treated, control"),
     N_("Customers whom a change affected, and comparable ones whom it did not."), ""),
    ("difference-in-differences", N_("Difference-in-differences"),
     N_("How much more the treated changed than the control group: (after − before) of the "
        "treated minus (after − before) of the others."), "Angrist and Pischke 2009"),
    ("parallel-trends", N_("Parallel pre-trends"),
     N_("Before the change both groups had the same trend. Without that, a "
        "difference-in-differences is not the effect."), ""),
    ("placebo", N_("Placebo test"),
     N_("The same analysis of a change that never was. It should find nothing; where it does, the "
        "effect is in doubt."), ""),
    ("synthetic-control", N_("Synthetic control"),
     N_("A weighted mix of other groups that moved like the treated one before the change."),
     "Abadie, Diamond and Hainmueller 2010"),
    ("interrupted-time-series", N_("Interrupted time series"),
     N_("The trend before the change, carried on, is compared with what came after it."),
     "Bernal, Cummins and Gasparrini 2017"),
    ("regression-to-the-mean", N_("Regression to the mean"),
     N_("Extreme values are followed by more ordinary ones by themselves. Customers chosen "
        "because they were unhappy become happier without any action."), "Galton 1886"),
    ("confounder", N_("Unmeasured confounder, robustness value"),
     N_("Something not in the data that moves cause and outcome. The robustness value is the "
        "share of the variance of both that it would have to explain to undo the finding."),
     "Cinelli and Hazlett 2020"),
    ("non-response", N_("Item non-response"),
     N_("A question that was shown and left without an answer."), ""),
    ("uplift", N_("Uplift"),
     N_("How much an offer changes what a customer does, against not making it."), ""),
)  # fmt: skip
PARTS = (
    (N_("Measures"), MEASURES),
    (N_("Statistics"), STATISTICS),
    (N_("Causes and effects"), CAUSES),
)


def parts() -> list[tuple[str, list[Term]]]:
    """The terms by part, in the page's language.

    Examples
    --------
    >>> [(name, terms[0].slug) for name, terms in parts()]
    [('Measures', 'nps'), ('Statistics', 'ci'), ('Causes and effects', 'randomised')]
    """
    return [
        (
            _(name),
            [Term(slug, _(term), _(meaning), source) for slug, term, meaning, source in terms],
        )
        for name, terms in PARTS
    ]
