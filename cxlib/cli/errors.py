"""How a command ends early: a message and an exit code, never a traceback unless asked for."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from cxlib.cli.terminal import plain_output, shortened
from cxlib.core import scratch

_OWNER = (
    "You may not read or write it: see who owns it with `ls -ld`, or give another folder "
    "(-o DIR for reports, CX_ROOT for the whole project)."
)
CURES = {
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EROFS: "The disk is for reading only. Give another folder with -o DIR, or set CX_ROOT.",
    errno.ENOSPC: "Make room there and run the same command again.",
    errno.EDQUOT: "Your quota is used up. Make room there and run the same command again.",
    errno.ENOTDIR: "A file is where a folder is needed. Name another folder.",
    errno.EISDIR: "It is a folder; name a file.",
}


class Errors(click.Group):
    """A mistake becomes a message; only --debug shows a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click's, with an output that cannot steer the terminal.

        As a program, with the arguments of the command line, it has temporary files of its own.
        """
        program = not args and kwargs.get("args") is None
        with plain_output(), scratch.own() if program else nullcontext():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what goes wrong is said in a line, with its exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            of = "no page" if ctx.invoked_subcommand == "run" else "nothing"
            click.echo(f"\nStopped. What was finished is kept; {of} is half written.", err=True)
            ctx.exit(130)
        except BrokenPipeError:  # what reads the output has seen enough, as in `cx list | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor when Python ends
            ctx.exit(141)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            kind = "" if is_ours(error) else f"{type(error).__name__}: "
            click.echo(f"cx: {kind}{in_words(error)}", err=True)
            if kind:
                click.echo("cx: `cx --debug ...` shows where this happened.", err=True)
            ctx.exit(code_of(error))


def is_ours(error: Exception) -> bool:
    """Whether it is a mistake in what was asked or given, told by its message alone."""
    ours = type(error).__module__.startswith("cxlib")
    return ours or isinstance(error, (ValueError, OSError, MemoryError))


def in_words(error: Exception) -> str:
    """The message of an error; of the system's refusals, which file it is and what to do."""
    said = shortened(str(error).replace("\r", " "))
    if isinstance(error, MemoryError):
        return f"this needs more memory than there is ({said}). Read fewer rows or columns."
    if type(error).__module__.startswith("cxlib") or not isinstance(error, OSError):
        return said
    if not (error.filename and error.errno):
        return said
    said = f"{error.filename}: {str(error.strerror).lower()}."
    return f"{said} {CURES[error.errno]}" if error.errno in CURES else said


def code_of(error: BaseException) -> int:
    """2 for a mistake in what was asked, 3 for a run that could not go on, 130 when stopped.

    A run that may not be published has the 5 of its own error.
    """
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
        said = {
            "exit_code": code_of(error),
            "error": in_words(error) if isinstance(error, Exception) else "stopped",
        }
        click.echo(json.dumps(said, ensure_ascii=False))
        raise


class terminated_like_ctrl_c:
    """A polite end (SIGTERM, as cron and CI send it) cleans up as Ctrl-C does."""

    def __enter__(self) -> None:
        self.before: Callable[..., Any] | int | None = signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _stop(*_: object) -> None:
        raise KeyboardInterrupt
