"""data/STUDY/topics.yaml: what people decided about the topics of comments, kept by hand.

    topics:                                  # as in study.yaml; adds to the topics there
      late: {label: {en: Late delivery, zh: 配送延误}, group: delivery, words: {en: [late]}}
    groups: {delivery: {en: Delivery, zh: 配送}}
    found: {front desk: staff, next time: null}    # found topics, by their key phrase

A found topic becomes part of the topic it is given to, in whatever language it was found; null
leaves it out. `cx topics STUDY` shows what was found and writes a first file.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

NAME = "topics.yaml"
KEYS = {"topics": "topics", "groups": "topic_groups", "found": "found_topics"}


class TopicFileError(ValueError):
    """topics.yaml cannot be read; the message says what to do."""


def added(content: dict[str, Any], folder: Path, parsed: Callable[[str], object]) -> dict[str, Any]:
    """The content of study.yaml with that of topics.yaml, where the folder has one.

    A topic of both has the keys of both; those of topics.yaml count.
    """
    file = folder / NAME
    if not file.is_file():
        return content
    where = f"{folder.name}/{NAME}"
    try:
        own = deepcopy(parsed(file.read_text(encoding="utf-8-sig"))) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = str(error).replace("<unicode string>", NAME)
        raise TopicFileError(f"{where} is not YAML: {said}") from error
    if not isinstance(own, dict):
        raise TopicFileError(f"{where} holds no keys. Keys there: {', '.join(KEYS)}.")
    merged = dict(content)
    for key, part in own.items():
        if key not in KEYS:
            near = get_close_matches(str(key), KEYS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise TopicFileError(
                f"{where}: the key {key!r} is not known{hint} Keys there: {', '.join(KEYS)}."
            )
        if part is not None and not isinstance(part, dict):
            raise TopicFileError(f"{where}: {key} holds {part!r}, it must hold names with values.")
        before = content.get(KEYS[key]) or {}
        both = {n: _both(before.get(n), value) for n, value in (part or {}).items()}
        merged[KEYS[key]] = {**before, **both}
    return merged


def _both(before: object, value: object) -> object:
    return {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
