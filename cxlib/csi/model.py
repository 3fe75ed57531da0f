"""A satisfaction model in plain data: the questions and the causes of each construct.

    Model(constructs={...}, preset="ecsi12")         # the paths of a published model
    Model(constructs={...}, paths={"loyalty": ["satisfaction"]})
    Model(constructs={"quality": ["network", "staff"], "network": ["q1", "q2"], ...}, ...)

A model is checked when it is made, so that a slip in a name is found before any number is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property

from cxlib.data.schema import IndexModel

PRESETS: dict[str, dict[str, list[str]]] = {
    # Fornell, Johnson, Anderson, Cha and Bryant (1996), J. Marketing 60(4) 7-18
    "acsi9": {
        "quality": ["expectation"],
        "value": ["expectation", "quality"],
        "satisfaction": ["expectation", "quality", "value"],
        "complaints": ["satisfaction"],
        "loyalty": ["satisfaction", "complaints"],
    },
    # European index, mobile-phone instrument: Tenenhaus, Vinzi, Chatelin and Lauro (2005), CSDA 48
    "ecsi12": {
        "expectation": ["image"],
        "quality": ["expectation"],
        "value": ["expectation", "quality"],
        "satisfaction": ["image", "expectation", "quality", "value"],
        "complaints": ["satisfaction"],
        "loyalty": ["image", "satisfaction", "complaints"],
    },
    # The European index without complaints: ten paths
    "ecsi10": {
        "expectation": ["image"],
        "quality": ["expectation"],
        "value": ["expectation", "quality"],
        "satisfaction": ["image", "expectation", "quality", "value"],
        "loyalty": ["image", "satisfaction"],
    },
    # Chinese type (GB/T 19038): every path its six constructs make plausible, in their stated order
    "ccsi": {
        "expectation": ["image"],
        "quality": ["image", "expectation"],
        "value": ["image", "expectation", "quality"],
        "satisfaction": ["image", "expectation", "quality", "value"],
        "loyalty": ["image", "satisfaction"],
    },
}


@dataclass(frozen=True)
class Model:
    """Constructs with their questions, paths as effect -> causes, and the construct reported first.

    `formative` constructs are made by their questions (Mode B, regression weights); the others are
    shown in them (Mode A, correlation weights), and `reflective` ones are common factors, whose
    paths and loadings are freed of measurement error (consistent PLS). A construct whose list names
    other constructs is of a higher order. Raises ValueError for what cannot be fitted.
    """

    constructs: Mapping[str, Sequence[str]]
    paths: Mapping[str, Sequence[str]] = field(default_factory=dict)
    formative: Sequence[str] = ()
    reflective: Sequence[str] = ()
    target: str = "satisfaction"
    preset: str = ""

    def __post_init__(self) -> None:
        if self.preset and self.preset not in PRESETS:
            raise ValueError(f"no preset {self.preset!r}. There are: {', '.join(PRESETS)}.")
        if self.preset and not self.paths:
            object.__setattr__(self, "paths", PRESETS[self.preset])
        self._check_questions()
        self._check_paths()
        _ = self.order

    @property
    def items(self) -> list[str]:
        """All questions, construct by construct."""
        return [i for items in self.constructs.values() for i in items if i not in self.constructs]

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """The parts of each construct of a higher order; empty where there is none."""
        return {
            name: list(items)
            for name, items in self.constructs.items()
            if any(item in self.constructs for item in items)
        }

    @cached_property
    def stages(self) -> tuple[Model, Model]:
        """The model with parts in the place of wholes, and with parts as the questions of wholes.

        Disjoint two-stage approach: Sarstedt, Hair, Cheah, Becker and Ringle (2019), Australasian
        Marketing J. 27(3) 197-211.
        """
        inside = {part for parts in self.parts.values() for part in parts}

        def whole(names: Sequence[str]) -> list[str]:
            return [p for n in names for p in self.parts.get(n, [n])]

        lower = replace(
            self,
            constructs={n: i for n, i in self.constructs.items() if n not in self.parts},
            paths={p: whole(causes) for e, causes in self.paths.items() for p in whole([e])},
            formative=[n for n in self.formative if n not in self.parts],
            reflective=[n for n in self.reflective if n not in self.parts],
            target=whole([self.target])[0],
        )
        higher = replace(
            self,
            constructs={n: i for n, i in self.constructs.items() if n not in inside},
            formative=[n for n in self.formative if n not in inside],
            reflective=[n for n in self.reflective if n not in inside],
        )
        return lower, higher

    @cached_property
    def order(self) -> list[str]:
        """The constructs, causes before effects. Raises ValueError when paths go in a circle."""
        placed: list[str] = []
        inside = {part for parts in self.parts.values() for part in parts}
        waiting = [c for c in self.constructs if c not in inside]
        while waiting:
            ready = [c for c in waiting if set(self.paths.get(c, ())) <= set(placed)]
            if not ready:
                raise ValueError(
                    f"the paths go in a circle among {' → '.join(_circle(self.paths, waiting))}. "
                    "Leave one path out: a construct may not cause itself."
                )
            placed += ready
            waiting = [c for c in waiting if c not in ready]
        return placed

    def _check_questions(self) -> None:
        if empty := [name for name, items in self.constructs.items() if not len(items)]:
            raise ValueError(
                f"construct {empty[0]!r} has no question. Give it one, or leave it out."
            )
        if text := [name for name, items in self.constructs.items() if isinstance(items, str)]:
            raise ValueError(f"the questions of {text[0]!r} must be a list, not one text.")
        homes: dict[str, str] = {}
        for construct, items in self.constructs.items():
            for item in items:
                if item in homes:
                    raise ValueError(
                        f"question {item!r} is used twice, in {homes[item]!r} and in "
                        f"{construct!r}. A question belongs to one construct."
                    )
                homes[item] = construct
        self._check_parts()

    def _check_parts(self) -> None:
        for whole, parts in self.parts.items():
            if plain := [p for p in parts if p not in self.constructs]:
                raise ValueError(
                    f"construct {whole!r} is made of constructs, so {plain[0]!r} in it must be one "
                    "too. Make a construct of that question, or list questions only."
                )
            for part in parts:
                if part in self.parts:
                    raise ValueError(
                        f"construct {whole!r} is made of {part!r}, which is made of constructs "
                        "itself. Two levels are the most that can be fitted."
                    )
                if part == self.target or part in self.paths or part in self._causes():
                    raise ValueError(
                        f"construct {part!r} is a part of {whole!r}: paths and target name the "
                        f"whole. Write {whole!r} in its place."
                    )

    def _causes(self) -> set[str]:
        return {cause for causes in self.paths.values() for cause in causes}

    def _check_paths(self) -> None:
        named = {
            "target": [self.target],
            "formative": self.formative,
            "reflective": self.reflective,
        }
        for effect, causes in self.paths.items():
            if isinstance(causes, str):
                raise ValueError(f"the causes of {effect!r} must be a list, not one text.")
            if twice := sorted({c for c in causes if list(causes).count(c) > 1}):
                raise ValueError(f"the path from {twice[0]!r} to {effect!r} is given twice.")
            named[f"paths.{effect}"] = [effect, *causes]
        for where, names in named.items():
            for name in names:
                if name not in self.constructs:
                    raise ValueError(self._unknown(where, name))
        if both := sorted(set(self.formative) & set(self.reflective)):
            raise ValueError(f"{both[0]!r} cannot be formative and reflective at once. Choose one.")
        linked = set(self.paths) | self._causes()
        linked |= {part for parts in self.parts.values() for part in parts}
        if lonely := [c for c in self.constructs if c not in linked]:
            raise ValueError(
                f"construct {lonely[0]!r} is in no path. Link it to another, or leave it out."
            )

    def _unknown(self, where: str, name: str) -> str:
        near = get_close_matches(name, list(self.constructs), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        if self.preset:
            hint += f" Preset {self.preset!r} needs it; give `paths` of your own otherwise."
        return (
            f"{where}: {name!r} is not a construct.{hint} There are: {', '.join(self.constructs)}."
        )


def model_of(index_model: IndexModel) -> Model:
    """The model that a study.yaml declares."""
    return Model(
        constructs=index_model.constructs,
        paths=index_model.paths,
        formative=tuple(index_model.formative),
        reflective=tuple(index_model.reflective),
        target=index_model.target,
        preset=index_model.preset or "",
    )


def _circle(paths: Mapping[str, Sequence[str]], among: list[str]) -> list[str]:
    """One circle of causes, starting and ending at the same construct."""
    trail = [among[0]]
    while True:
        cause = next(c for c in paths[trail[-1]] if c in among)
        if cause in trail:
            return [*trail[trail.index(cause) :], cause][::-1]
        trail.append(cause)
