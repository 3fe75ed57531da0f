"""How a command ends early: a message and an exit code, never a traceback unless asked for."""

from __future__ import annotations

import errno
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


class Errors(click.Group):
    """A mistake becomes a message; only --debug shows a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (KeyboardInterrupt, BrokenPipeError):
            click.echo("\nStopped. What was finished is kept; no page is half written.", err=True)
            ctx.exit(130)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            ours = isinstance(error, (ValueError, OSError)) or _is_ours(error)
            kind = "" if ours else f"{type(error).__name__}: "
            click.echo(f"cx: {kind}{error}", err=True)
            if kind:
                click.echo("cx: `cx --debug ...` shows where this happened.", err=True)
            ctx.exit(_code_of(error))


def _is_ours(error: Exception) -> bool:
    return type(error).__module__.startswith("cxlib")


def _code_of(error: BaseException) -> int:
    """2 for a mistake in what was asked, 3 for a run that could not go on, 130 when stopped."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return 3
    return getattr(error, "exit_code", 3 if type(error).__name__ == "Unfinished" else 2)


@contextmanager
def as_json() -> Iterator[None]:
    """What ends a run early, on stdout as well as in words on stderr."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        said = {"exit_code": _code_of(error), "error": str(error) or "stopped"}
        click.echo(json.dumps(said, ensure_ascii=False))
        raise


class terminated_like_ctrl_c:
    """A polite end (SIGTERM, as cron and CI send it) cleans up as Ctrl-C does."""

    def __enter__(self) -> None:
        self.before: Callable | int | None = signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _stop(*_: object) -> None:
        raise KeyboardInterrupt
