"""How large and how deep a YAML file of ours may be, aliases resolved; nobody writes a larger one.

refuse_bombs(text)          # yaml.YAMLError for nine lines that stand for a billion words

A few lines of aliases can stand for more than any memory holds, and brackets within brackets can
exhaust the stack of the parser. Events are looked at one by one, before anything is built of them.
"""

from __future__ import annotations

import yaml

LONGEST = 5_000_000  # characters
DEEPEST = 50  # collections within collections; study.yaml needs 8
MOST = 200_000  # values and keys, those that aliases repeat included

_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_bombs(text: str) -> None:
    """Raise yaml.YAMLError for a file that is too large, too deep, or repeats itself too often.

    Examples
    --------
    >>> refuse_bombs("a: [1, 2]")
    >>> refuse_bombs("[" * 99)
    Traceback (most recent call last):
    yaml.error.YAMLError: line 1: more than 50 brackets or indents within each other
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"{len(text):,} characters; {LONGEST:,} are the most")
    sizes, total = dict[str, int](), 0
    begun: list[tuple[str | None, int]] = []  # of collections: anchor, and the total before them
    for event in yaml.parse(text, _Parser):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            # Of an anchor within which we still are, the size is not known: it has no end.
            total += sizes.get(str(event.anchor), MOST + 1)
        elif isinstance(event, yaml.NodeEvent):
            total += 1
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            begun.append((event.anchor, total - 1))
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            anchor, before = begun.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        if len(begun) > DEEPEST:
            raise yaml.YAMLError(
                f"line {line}: more than {DEEPEST} brackets or indents within each other"
            )
        if total > MOST:
            raise yaml.YAMLError(
                f"line {line}: more than {MOST:,} values, those that aliases (*name) repeat "
                "included; write them out, and fewer"
            )
