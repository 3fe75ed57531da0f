"""What a study.yaml says of questions, models, changes and settings, as pydantic models.

    Item(label="Overall", scale=(1, 10), role="csat")

Unknown keys are refused; nothing is guessed. `mapping` has the files and tables, `study` puts all
together, `reference` prints the descriptions.
"""

from __future__ import annotations

from datetime import date
from math import inf
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from cxlib.core.codes import plain
from cxlib.core.errors import suggestion
from cxlib.data.mapping import Code, CodeText, Scalar, Strict, Text, code_keys
from cxlib.data.organisation import Tree

Design = Literal["randomised", "compared", "staggered", "alike", "series"]
Role = Literal["csat", "nps", "effort", "touchpoint", "construct", "intention", "attribute"]
Stage = Literal["awareness", "discovery", "interest", "consideration", "action", "use", "advocacy"]
ComplaintClass = Literal["one customer", "process", "product", "policy"]  # what it is about
SolvingLevel = Literal["front line", "process", "product", "policy"]  # who can solve it
ClockBasis = Literal["calendar hours", "working hours", "working days"]
Preset = Literal["acsi9", "ecsi12", "ecsi10", "ccsi"]

ROLES: tuple[Role, ...] = get_args(Role)
STAGES: tuple[Stage, ...] = get_args(Stage)
CLASSES: tuple[ComplaintClass, ...] = get_args(ComplaintClass)


def _texts(value: object) -> object:
    return [plain(v) for v in value] if isinstance(value, list) else value


def _parents(value: object) -> object:
    found = code_keys(value)
    return (
        {k: "" if v is None else v for k, v in found.items()} if isinstance(found, dict) else found
    )


Values = Annotated[
    list[str], BeforeValidator(_texts, json_schema_input_type=list[str | int | float])
]


class Item(Strict):
    """One question: wording, scale, direction and what its special codes mean."""

    label: Text = Field(
        description="What readers call the question: one text, or one for each language.",
        examples=[{"en": "Delivery", "zh": "配送"}],
    )
    scale: tuple[float, float] = Field(
        description="Lowest and highest answer of the scale as asked.", examples=[[1, 5]]
    )
    role: Role = Field(
        default="attribute",
        description="What it measures: satisfaction (csat), recommendation (nps, 0 to 10), effort, "
        "one touchpoint, part of an index (construct), an intention, or a mere attribute.",
        examples=["touchpoint"],
    )
    reverse: bool = Field(
        default=False,
        description="A high answer is a bad one, as in German grades.",
        examples=[True],
    )
    stage: Stage | None = Field(
        default=None, description="Journey stage that the question is about.", examples=["use"]
    )
    touchpoint: str = Field(
        default="", description="Touchpoint of the events that it rates.", examples=["delivery"]
    )
    expectation: str = Field(
        default="",
        description="The question, on the same scale, that asks what customers expected of this.",
        examples=["expected_reliability"],
    )
    not_experienced: list[Code] = Field(
        default=[], description="Codes or words for never used, does not apply.", examples=[[98]]
    )
    missing: list[Code] = Field(
        default=[], description="Codes or words for refused, does not know.", examples=[[99]]
    )
    wording: Text | None = Field(
        default=None,
        description="The question as it was asked.",
        examples=["How satisfied are you with the delivery?"],
    )

    satisfied: float | None = Field(
        default=None,
        description="The answer from which on a customer counts as satisfied (with `reverse` down "
        "from which); the two best answers without it. Scales of more than 11 answers need it.",
        examples=[80],
    )
    confirmed: bool = Field(
        default=False,
        description="The scale was checked: that the answers use only a part of it, or that some "
        "lie outside, is no mistake.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _scale_has_room(self) -> Item:
        low, high = self.scale
        if low >= high:
            raise ValueError(f"scale [{low:g}, {high:g}]: the first must be below the second")
        if self.role == "nps" and self.scale != (0, 10):
            raise ValueError(
                f"scale [{low:g}, {high:g}] with role nps: the NPS is defined on 0 to 10 only; use "
                "role intention or csat for another scale"
            )
        if self.satisfied is not None and not low <= self.satisfied <= high:
            raise ValueError(
                f"satisfied {self.satisfied:g} lies outside the scale [{low:g}, {high:g}]"
            )
        numbers = [c for c in self.not_experienced + self.missing if not isinstance(c, str)]
        if inside := [c for c in numbers if low <= c <= high]:
            raise ValueError(f"codes {inside} lie inside the scale [{low:g}, {high:g}]")
        return self


# "Certain" says that the 95% interval lies on one side of the target.
Standing = Literal["met", "met, not certain", "missed, not certain", "missed", "not reached yet"]


class Target(Strict):
    """The value that a measure is to reach."""

    value: float = Field(
        description="The value, in the unit of the measure: NPS points, a share (0.8), a mean.",
        examples=[30],
    )
    by: date | None = Field(
        default=None,
        description="Day until which it is to be reached; due at once when empty.",
        examples=["2026-12-31"],
    )
    direction: Literal["", "at least", "at most"] = Field(
        default="",
        description="Whether the measure is to be at least or at most the value; when empty at "
        "most for measures of which less is better (complaint_rate), else at least.",
        examples=["at most"],
    )

    def standing(self, value: float, low: float, high: float) -> Standing:
        """Whether a number with its 95% interval meets the target.

        It is certain only where the interval lies on one side of the target; before its day a
        target that is missed for certain is not reached yet.

        Examples
        --------
        >>> Target(value=30).standing(26, 15, 37), Target(value=30).standing(20, 15, 25)
        ('missed, not certain', 'missed')
        """
        sign = -1 if self.direction == "at most" else 1
        ahead, worst, best = (sign * (v - self.value) for v in (value, low, high))
        worst, best = min(worst, best), max(worst, best)
        if ahead >= 0:
            return "met" if worst >= 0 else "met, not certain"
        if best >= 0:
            return "missed, not certain"
        return "missed" if self.by is None else "not reached yet"

    def slots(self, value: float, low: float, high: float) -> dict[str, Any]:
        """What a `Finding` says of the target, for a number and its 95% interval."""
        standing = self.standing(value, low, high)
        by = "" if self.by is None else str(self.by)
        return {"target": self.value, "target_by": by, "target_standing": standing}


def _plain_value(value: object) -> object:
    return {"value": value} if isinstance(value, int | float) else value


WithValue = BeforeValidator(_plain_value, json_schema_input_type=float | Target)


class Benchmark(Strict):
    """A value of others that a measure is compared with, and how precise it is."""

    measure: str = Field(
        description="What it is a value of: nps, csat, effort, index, an item or a construct.",
        examples=["nps"],
    )
    value: float = Field(
        description="The value, in the unit of the measure: NPS points, a share (0.8), a mean.",
        examples=[31],
    )
    n: float | None = Field(
        default=None,
        ge=1,
        description="Answers it rests on. Its standard error is then that of as many of the "
        "study's own answers.",
        examples=[1200],
    )
    error: float | None = Field(
        default=None, ge=0, description="Its standard error, instead of `n`.", examples=[1.4]
    )
    source: str = Field(description="Who published it.", examples=["Hotel association"])
    period: str = Field(default="", description="When it was measured.", examples=["2025"])
    industry: str = Field(
        default="", description="Of which industry or company it is.", examples=["Hotels"]
    )

    @model_validator(mode="after")
    def _one_precision(self) -> Benchmark:
        if self.n is not None and self.error is not None:
            raise ValueError("give either n or error")
        low, high = {"nps": (-100, 100), "csat": (0, 1)}.get(self.measure, (-inf, inf))
        if not low <= self.value <= high:
            raise ValueError(
                f"value is {self.value:g}; {self.measure} lies between {low} and {high}"
            )
        return self


class ContactRules(Strict):
    """Rest rules: whom not to contact now, or ever; and how call-backs are evaluated (page 26)."""

    most: int = Field(
        default=0,
        ge=0,
        description="Most contacts of a customer within `days`; 0 for no limit.",
        examples=[2],
    )
    days: int = Field(
        default=30, ge=1, description="Days within which contacts are counted.", examples=[30]
    )
    never: str = Field(
        default="",
        description="Column of customers that is true, yes or 1 for those who may not be "
        "contacted. A list in a file of its own is joined to them with `join`.",
        examples=["no_contact"],
    )
    refused: Values = Field(
        default=[],
        description="Outcomes of contacts after which a customer is not contacted again.",
        examples=[["asked not to be called"]],
    )
    follow_up: int = Field(
        default=90,
        ge=7,
        description="Days after a call-back in which its effect is measured. Customers of either "
        "arm are not called back again for as long, unless a case is overdue.",
        examples=[90],
    )
    action: str = Field(
        default="",
        description="action_id in the ledger of the call-backs, which books their effect.",
        examples=["A-7"],
    )


class Organisation(Strict):
    """Units as a tree (region, branch, team, agent), and the column that names them.

    The tree stands in `units`, or in a table `units` (unit, parent, manager).
    """

    table: Literal["responses", "cases"] = Field(
        default="responses",
        description="Table whose rows name their unit.",
        examples=["cases"],
    )
    column: str = Field(description="Column that names the unit.", examples=["branch"])
    units: Annotated[
        dict[str, CodeText],
        BeforeValidator(_parents, json_schema_input_type=dict[str, str | int | float | None]),
    ] = Field(
        default={},
        description="{unit: the unit it belongs to}; empty at the top.",
        examples=[{"North": None, "Hamburg": "North", "Kiel": "North"}],
    )
    mix: list[str] = Field(
        default=[],
        description="Columns in which customers or cases of units differ; units are compared as "
        "if each had the mix of all.",
        examples=[["plan", "category"]],
    )

    @model_validator(mode="after")
    def _is_a_tree(self) -> Organisation:
        Tree(self.units)
        return self


class IndexModel(Strict):
    """The satisfaction index: a preset's paths or your own, and the items of each construct."""

    preset: Preset | None = Field(
        default=None, description="Paths of a published index.", examples=["ecsi12"]
    )
    constructs: dict[str, list[str]] = Field(
        description="{construct: its items}, or other constructs (a higher order).",
        examples=[{"satisfaction": ["overall", "expected"]}],
    )
    paths: dict[str, list[str]] = Field(
        default={},
        description="{effect: its causes}.",
        examples=[{"satisfaction": ["quality", "value"]}],
    )
    formative: list[str] = Field(
        default=[], description="Constructs that their items form (Mode B).", examples=[["quality"]]
    )
    reflective: list[str] = Field(
        default=[],
        description="Constructs that are common factors (consistent PLS).",
        examples=[["loyalty"]],
    )
    target: str = Field(
        default="satisfaction",
        description="Construct that is the index.",
        examples=["satisfaction"],
    )
    labels: dict[str, Text] = Field(
        default={},
        description="What readers call the constructs.",
        examples=[{"value": {"en": "Perceived value", "zh": "感知价值"}}],
    )

    @model_validator(mode="after")
    def _some_paths(self) -> IndexModel:
        if not self.preset and not self.paths:
            raise ValueError(f"give a preset ({', '.join(get_args(Preset))}) or paths")
        return self


class Pilot(Strict):
    """A randomised trial of keeping customers: an attribute and its two values."""

    column: str = Field(
        description="Column of customers that says who was in it.", examples=["call_back"]
    )
    treated: CodeText = Field(description="Its value for those treated.", examples=["yes"])
    control: CodeText = Field(description="Its value for the control group.", examples=["no"])
    begun_on: date | None = Field(
        default=None,
        description="Day it started; who left is counted from then. Without it by `churn.flag`.",
        examples=["2026-03-01"],
    )


class Change(Strict):
    """Something done, or that happened: whom it reached, since when, and how it may be judged."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Short name: small letters, digits and _.",
        examples=["call_back"],
    )
    label: Text = Field(
        description="What readers call it, as a sentence would open with it.",
        examples=["The call-back programme"],
    )
    design: Design = Field(
        description="How it may be judged. randomised: who got it was random. compared: some "
        "groups did not get it (difference-in-differences). staggered: units got it one after the "
        "other (Callaway and Sant'Anna). alike: matched with others like those "
        "who got it. series: it affected all (interrupted time series).",
        examples=["compared"],
    )
    table: Literal["responses", "customers"] = Field(
        default="responses", description="Table that shows its effect.", examples=["customers"]
    )
    outcome: str = Field(
        default="",
        description="Item, or column of the table; the study's outcome when empty.",
        examples=["value"],
    )
    also: list[str] = Field(
        default=[],
        description="Further outcomes, judged together with it.",
        examples=[["delivery"]],
    )
    column: str = Field(
        default="", description="Column that says whom it affected.", examples=["region"]
    )
    treated: Values = Field(
        default=[],
        description="Values of `column` of those it affected; of design staggered those of "
        "`begun`.",
        examples=[["north"]],
    )
    control: Values = Field(
        default=[],
        description="Values of the control group; all others when empty.",
        examples=[["south"]],
    )
    within: str = Field(
        default="",
        description="Column that splits the control group, for comparisons of its parts.",
        examples=["country"],
    )
    begun: Annotated[
        str | dict[str, CodeText],
        BeforeValidator(code_keys, json_schema_input_type=str | dict[str, str | int | float]),
    ] = Field(
        default="",
        description="First wave with it; of design staggered {value of `column`: its first wave}.",
        examples=["2026-Q1"],
    )
    ended: str = Field(
        default="", description="Last wave with it; it goes on when empty.", examples=["2026-Q3"]
    )
    before: list[str] = Field(
        default=[],
        description="Columns known before it, in which groups are made comparable.",
        examples=[["plan", "tenure"]],
    )
    action: str = Field(
        default="",
        description="action_id in the ledger whose prediction it answers.",
        examples=["A-7"],
    )

    @model_validator(mode="before")
    @classmethod
    def _units_are_treated(cls, given: Any) -> Any:
        """Of a staggered design the units that began are those treated."""
        if isinstance(given, dict) and given.get("design") == "staggered":
            begun = given.get("begun")
            if isinstance(begun, dict) and not given.get("treated"):
                return {**given, "treated": list(begun)}
        return given

    @model_validator(mode="after")
    def _can_be_judged(self) -> Change:
        self._has_starts()
        whom = bool(self.column and self.treated)
        if self.design != "series" and not whom:
            raise ValueError(f"design {self.design} needs `column` and `treated`: whom it reached")
        if self.table == "responses" and self.design != "alike" and not self.begun:
            raise ValueError(f"design {self.design} needs `begun`: the first wave with it")
        if self.table == "customers" and self.design in ("compared", "staggered", "series"):
            raise ValueError(f"design {self.design} needs waves: table responses")
        if self.design == "alike" and not self.before:
            raise ValueError("design alike needs `before`: the columns to be alike in")
        if both := set(self.treated) & set(self.control):
            raise ValueError(f"{sorted(both)} stand in both `treated` and `control`")
        if self.ended and self.ended < self.first_wave:
            raise ValueError(f"it ended in {self.ended!r}, before it began in {self.begun!r}")
        return self

    def _has_starts(self) -> None:
        """A first wave for each unit of a staggered design, and one for all of the others."""
        if self.design != "staggered":
            if isinstance(self.begun, dict):
                raise ValueError(f"design {self.design} has one `begun`; staggered has several")
            return
        if not isinstance(self.begun, dict) or not self.begun or not self.column:
            raise ValueError(
                "design staggered needs `column` and `begun`: {value of column: its first wave}"
            )
        if lost := [name for name in ("ended", "within", "before") if getattr(self, name)]:
            raise ValueError(f"design staggered has no {lost}")
        if self.treated and set(self.treated) != set(self.begun):
            raise ValueError("leave out `treated`: of design staggered `begun` names the units")
        if len(set(self.begun.values())) == 1:
            raise ValueError(
                f"all {len(self.begun)} units began in {self.first_wave!r}: use design compared "
                "with `treated`"
            )

    @property
    def first_wave(self) -> str:
        """The first wave in which anybody had it; "" where it is not dated."""
        return min(self.begun.values()) if isinstance(self.begun, dict) else self.begun

    @property
    def dates(self) -> list[str]:
        """The waves that it names."""
        begun = self.begun.values() if isinstance(self.begun, dict) else [self.begun]
        return [wave for wave in dict.fromkeys([*begun, self.ended]) if wave]


class Churn(Strict):
    """Who counts as having left: an attribute, or left_on within `horizon` days of a date."""

    flag: str = Field(
        default="",
        description="Column of customers that says who has left; left_on when empty.",
        examples=["Churn"],
    )
    left: Scalar = Field(
        default="Yes", description="Value of `flag` of those who have left.", examples=["Yes"]
    )
    horizon: int = Field(
        default=90, ge=1, description="Days ahead that are predicted.", examples=[90]
    )
    tenure: str = Field(
        default="",
        description="Attribute that counts the periods of a contract, the last at included.",
        examples=["tenure"],
    )
    unit: Literal["days", "weeks", "months"] = Field(
        default="days", description="Unit of `tenure`.", examples=["months"]
    )
    charge: str = Field(
        default="",
        description="Column of customers with what they pay in one such period (notebook 31).",
        examples=["monthly_charges"],
    )
    pilot: Pilot | None = Field(
        default=None,
        description="A randomised trial of keeping customers.",
        examples=[{"column": "call_back", "treated": "yes", "control": "no"}],
    )
    reasons: dict[str, str] = Field(
        default={},
        description="{value of left_because: published reason}, to compare with the literature.",
        examples=[{"too expensive": "price"}],
    )
    features: list[str] = Field(
        default=[],
        description="Columns that may predict leaving; all that are known in time when empty.",
        examples=[["orders_365", "plan"]],
    )
    exclude: list[str] = Field(
        default=[], description="Columns that may not predict it.", examples=[["cancel_reason"]]
    )


class Segments(Strict):
    """How customers are grouped."""

    features: list[str] = Field(
        default=[], description="Columns to group by.", examples=[["spend_365", "orders_365"]]
    )
    value: str = Field(
        default="",
        description="Column whose difference it costs to place a customer wrongly.",
        examples=["spend_365"],
    )
    demographics: list[str] = Field(
        default=[],
        description="Columns that say who a customer is, for the cards of segments; those of "
        "`margins`, else the customers' categories, when empty.",
        examples=[["region", "age_group"]],
    )
    questions: dict[str, Text] = Field(
        default={},
        description="{column of the customers: question to a new customer}, from which the sheet "
        "that places customers is made. The columns of `demographics` when empty.",
        examples=[{"orders_365": "How often did you order from us in the past year?"}],
    )
    names: dict[str, Text] = Field(
        default={},
        description="Names of segments: {feature that marks it most, and high, low or its value: "
        "name}; two features with a comma between are taken before one.",
        examples=[{"orders_365 high": {"en": "Regulars", "zh": "常客"}}],
    )


class Journey(Strict):
    """How events make journeys: of what they are, when one ends, what completes it, what is bad."""

    by: str = Field(
        default="",
        description="Column of events (and responses) that names the journey; the customer when "
        "empty.",
        examples=["order_id"],
    )
    gap: float = Field(
        default=0,
        ge=0,
        description="Days without an event after which a new journey begins; 0 for never.",
        examples=[30],
    )
    goal: list[str] = Field(
        default=[], description="Touchpoints that complete a journey.", examples=[["purchase"]]
    )
    bad: list[str] = Field(
        default=[], description="Outcomes of an event that are a problem.", examples=[["late"]]
    )
    window: float = Field(
        default=90,
        gt=0,
        description="Days before an answer whose events it is about.",
        examples=[90],
    )
    ties: Literal["file", "stage"] = Field(
        default="file",
        description="What orders events that share their time, where no column `sequence` does: "
        "their order in the file, or that of the stages.",
        examples=["stage"],
    )

    @property
    def patience(self) -> float:
        """Days without an event after which a journey counts as ended."""
        return self.gap or 30


class Programme(Strict):
    """A programme to keep customers coming back."""

    label: Text = Field(description="What readers call it.", examples=["Bonus card"])
    begun_on: date = Field(description="Day it started.", examples=["2026-01-01"])
    randomised: bool = Field(default=False, description="Who is in it was random.", examples=[True])
    table: Literal["customers", "events"] = Field(
        default="customers", description="Table that says who is in it.", examples=["events"]
    )
    where: str = Field(
        description="Condition on that table: the customers in it.", examples=["card = 'yes'"]
    )
    control: str = Field(
        default="",
        description="Condition: those it is compared with; all others when empty.",
        examples=["card = 'no'"],
    )
    days: int = Field(
        default=91, ge=7, description="Length of the periods before and after.", examples=[91]
    )


class Loyalty(Strict):
    """Repeat purchase."""

    known: list[str] = Field(
        default=[],
        description="Columns of customers that were known at the first purchase.",
        examples=[["city"]],
    )
    quiet: int = Field(
        default=0,
        ge=0,
        description="Days after the first in which nobody counts as a new customer.",
        examples=[90],
    )
    programme: Programme | None = Field(
        default=None,
        description="A loyalty programme to be judged.",
        examples=[{"label": "Card", "begun_on": "2026-01-01", "where": "card = 'yes'"}],
    )


class Reporting(Strict):
    """What pages show."""

    smallest_cell: int = Field(
        default=10, ge=0, description="Groups of fewer people are hidden.", examples=[10]
    )
    control_limits: float = Field(
        default=3.0, gt=0, description="Control limits of charts, in standard errors.", examples=[3]
    )
    languages: list[Literal["en", "zh"]] = Field(
        default=[],
        description="Languages of `cx run`, unless it names others.",
        examples=[["en", "zh"]],
    )
    leave_rows: bool = Field(
        default=True,
        description="Whether rows of customers may leave the database. With `false` pages bring "
        "counts and sums alone, each of at least `smallest_cell` customers; pages and parts that "
        "need rows are left out and say so.",
        examples=[False],
    )
    keep_runs: int | None = Field(
        default=None,
        ge=1,
        description="Runs to keep; after each run older ones are removed, but those named by -o.",
        examples=[12],
    )


class Limits(Strict):
    """How much a page may read."""

    rows_at_most: int = Field(
        default=2_000_000,
        ge=1000,
        description="Answers that a page reads at most. Of more, scores are computed from counts "
        "of equal answers; what needs rows takes customers by a hash of their number, wave by "
        "wave, and weights them. Of other tables of more rows those of some customers are read, "
        "chosen likewise; pages say so.",
        examples=[500_000],
    )
    max_rows_fetched: int | None = Field(
        default=None,
        ge=1,
        description="Rows that a query may bring; one that would bring more is refused before it "
        "is sent. Default: no limit.",
        examples=[5_000_000],
    )
    max_rows_scanned: int | None = Field(
        default=None,
        ge=1,
        description="Rows that the tables of a query may have, as counted by the load; a query of "
        "more is refused before it is sent. Default: no limit.",
        examples=[100_000_000],
    )


class Costs(Strict):
    """Money: what a contact costs, what an offer costs, what a customer is worth."""

    currency: str = Field(default="", description="Code of the currency.", examples=["EUR"])
    contact: float = Field(default=0, ge=0, description="Cost of a contact.", examples=[4.5])
    contacts: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={},
        description="Cost of a contact by its channel, where channels differ (notebook 25).",
        examples=[{"phone": 6, "chat": 2.5}],
    )
    offer: float = Field(default=0, ge=0, description="Cost of an offer to stay.", examples=[20])
    customer_value: float = Field(
        default=0, ge=0, description="Margin that every customer brings in a year.", examples=[300]
    )
    value_column: str = Field(
        default="",
        description="Column of what each customer brings, in place of `customer_value`: sales, of "
        "which `margin` is the margin.",
        examples=["MonthlyCharges"],
    )
    value_times: float = Field(
        default=1,
        gt=0,
        description="Multiplies `value_column` to be that of a year, such as months.",
        examples=[12],
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share of `value_column` and of amounts that is margin; without it pages "
        "speak of sales, and of the margin from which a decision pays.",
        examples=[0.3],
    )
    accepted: float = Field(
        default=0.3,
        gt=0,
        lt=1,
        description="Share of leavers whom the offer keeps.",
        examples=[0.3],
    )
    discount_rate: float = Field(
        default=0.1, ge=0, lt=1, description="Discount of future money, by year.", examples=[0.1]
    )
    point: float = Field(
        default=0,
        ge=0,
        description="What one point of the outcome brings in a year.",
        examples=[50000],
    )


class Standard(Strict):
    """Hours within which a case of one severity or grade is to be answered and solved."""

    first_reply_hours: float | None = Field(
        default=None, gt=0, description="Hours until the first reply.", examples=[8]
    )
    solved_hours: float | None = Field(
        default=None, gt=0, description="Hours until it is solved.", examples=[48]
    )


class Reason(Strict):
    """What a category of cases is about, and the level that can solve it (its own by default)."""

    kind: ComplaintClass = Field(description="What it is about.", examples=["process"])
    level: SolvingLevel | None = Field(
        default=None, description="Who can solve it.", examples=["front line"]
    )


class Service(Strict):
    """Service standards, and what the categories of cases are.

    Severities may stand beside `share` and `classes`: `service: {high: {solved_hours: 48}}`.
    """

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "object"}})

    standards: dict[str, Standard] = Field(
        default={},
        description="{severity or grade: standard}; `any` is for all others.",
        examples=[{"high": {"first_reply_hours": 4}, "any": {"solved_hours": 72}}],
    )
    share: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        description="Share of cases that must meet a standard.",
        examples=[0.9],
    )
    classes: dict[str, Reason] = Field(
        default={},
        description="{category of cases: what it is about}.",
        examples=[{"late delivery": "process"}],
    )
    stated: str = Field(
        default="",
        description="Column of cases: whether the customer says it was solved at once, 1 or 0.",
        examples=["solved_first_time"],
    )

    grade: str = Field(
        default="",
        description="Column that grades customers (VIP service), of cases or customers. Standards "
        "may be named by its values, too; of several that hold for a case the strictest counts.",
        examples=["plan"],
    )
    clock: ClockBasis = Field(
        default="calendar hours",
        description="What the hours of a standard are: `calendar hours`, `working hours`, or "
        "`working days`, in which 24 hours are one working day. The last two need `working_hours`.",
        examples=["working hours"],
    )
    waiting: list[str] = Field(
        default=[],
        description="Statuses in which the customer is waited for (table case_statuses).",
        examples=[["Waiting for customer"]],
    )
    less_waiting: bool = Field(
        default=False,
        description="Whether time in a status of `waiting` does not count towards a standard.",
        examples=[True],
    )

    @model_validator(mode="before")
    @classmethod
    def _severities(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        own = {k: v for k, v in value.items() if k in cls.model_fields}
        rest = {k: v for k, v in value.items() if k not in cls.model_fields}
        for key in (k for k, v in rest.items() if not isinstance(v, dict | Standard)):
            raise ValueError(
                f"{key!r} is neither a key nor a severity with its hours."
                f"{suggestion(key, cls.model_fields)} Known here: {', '.join(cls.model_fields)}; a "
                "severity is written as `high: {solved_hours: 48}`"
            )
        return own | {"standards": {**own.get("standards", {}), **rest}} if rest else own

    @field_validator("clock", mode="before", json_schema_input_type=ClockBasis)
    @classmethod
    def _as_pages_say(cls, value: object) -> object:
        return "calendar hours" if value == "elapsed" else value  # the former name

    @field_validator(
        "classes", mode="before", json_schema_input_type=dict[str, ComplaintClass | Reason]
    )
    @classmethod
    def _plain_kinds(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: {"kind": v} if isinstance(v, str) else v for k, v in value.items()}


class Topic(Strict):
    """What comments may speak of."""

    label: Text = Field(description="What readers call it.", examples=["Late delivery"])
    words: dict[Literal["en", "zh", "other"], list[str]] = Field(
        default={},
        description="Its words in each language; `deliver*` for all that begin so. A topic may do "
        "without where `found_topics` gives it found ones.",
        examples=[{"en": ["late", "delay*"], "zh": ["慢"]}],
    )
    group: str = Field(
        default="",
        description="The group of topics that it belongs to, one of `topic_groups`.",
        examples=["delivery"],
    )
    complaint: bool | None = Field(
        default=None,
        description="Whether who mentions it complains: then no comment on it counts as positive. "
        "Without it, true where half of its words or more are bad or negated and none is good.",
        examples=[True],
    )
    coded: str = Field(
        default="",
        description="Column of comments in which people coded it: -1, 0, 1 or missing.",
        examples=["topic_delivery"],
    )

    @field_validator("words", mode="after")
    @classmethod
    def _no_blanks(cls, words: dict[str, list[str]]) -> dict[str, list[str]]:
        if any(not w.strip("* ") for some in words.values() for w in some):
            raise ValueError("a word needs a letter")
        return words


class Replicates(Strict):
    """Replicate weights among the columns of the responses."""

    prefix: str = Field(
        min_length=1, description="How the names of their columns begin.", examples=["repwgt"]
    )
    kind: Literal["bootstrap", "brr", "fay", "jk1", "jk2"] = Field(
        description="How they were made.", examples=["brr"]
    )
    fay: float = Field(default=0.5, ge=0, lt=1, description="Fay's factor.", examples=[0.3])


class Sampling(Strict):
    """How the responses were sampled, by columns of theirs or of their customers."""

    strata: list[str] = Field(
        default=[],
        description="Columns that together name the stratum. Waves that were sampled by themselves "
        "are strata too.",
        examples=[["wave", "region"]],
    )
    psu: str = Field(
        default="",
        description="Column of the primary sampling units (branches, households); each response by "
        "itself when empty.",
        examples=["branch"],
    )
    population: str = Field(
        default="",
        description="Column with the number of sampling units in the population of the stratum, or "
        "the share sampled. Empty where it is not known: no finite population correction.",
        examples=["branches_in_region"],
    )
