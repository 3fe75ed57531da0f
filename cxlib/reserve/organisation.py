"""The units of a study's organisation, of study.yaml or of its table `units`."""

from __future__ import annotations

from cxlib.data.organisation import Tree, tree_of
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError


def tree(reserve: Database) -> Tree:
    """The units, and what each belongs to.

    Raises
    ------
    ReserveError : the study has none, or its table of units is no tree
    """
    stated = reserve.study.organisation
    if stated is None:
        raise ReserveError(f"{reserve.study.name} declares no organisation in study.yaml.")
    if stated.units:
        return Tree(stated.units)
    try:
        return tree_of(reserve.read("units"))
    except ValueError as error:
        raise ReserveError(f"{reserve.study.name}: table units: {error}") from error
