"""The command ``newsletter``: its global options, its commands, and how it ends.

Every end is an exit code of docs/cli.md and one clear message; a traceback only with ``--debug``. The modules of the
commands import nothing but typer before they run, so that ``newsletter --help`` stays fast.
"""

from __future__ import annotations

import os
import sys
from errno import ENOSPC
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from composer.cli.build import build
from composer.cli.campaigns import campaigns, export
from composer.cli.check import check
from composer.cli.control import cancel, pause, resolve, resume, retry
from composer.cli.db import db
from composer.cli.doctor import doctor
from composer.cli.init import init, new
from composer.cli.lists import lists
from composer.cli.output import plain, print_findings
from composer.cli.preview import preview
from composer.cli.recall import recall
from composer.cli.scope import Scope
from composer.cli.send import send
from composer.cli.status import status
from composer.cli.subscriber import subscriber
from composer.cli.suppress import suppress
from composer.cli.test import send_test
from composer.cli.who import who
from composer.errors import ComposerError

STOPPED = 3


class Shell(TyperGroup):
    """Turns whatever a command raises into a message on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (typer.Exit, SystemExit):
            raise
        except (KeyboardInterrupt, typer.Abort):
            raise typer.Exit(STOPPED) from None
        except BrokenPipeError:
            # Whoever read us is gone; Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(STOPPED) from None
        except ComposerError as err:
            report(err)
            raise typer.Exit(err.exit_code) from None
        except OSError as err:
            if err.errno != ENOSPC:
                surprise(err, debug=ctx.params.get("debug", False))
            else:  # stdout is a file on a full disk: every other write has an error of its own
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                typer.echo("error: the output cannot be written: the disk is full", err=True)
            raise typer.Exit(STOPPED) from None
        except Exception as err:
            if hasattr(err, "exit_code") and hasattr(err, "show"):  # typer's own words about the usage
                raise
            surprise(err, debug=ctx.params.get("debug", False))
            raise typer.Exit(STOPPED) from None
        return result


def report(err: ComposerError) -> None:
    """Print an expected error: what is wrong, where, and what to do."""
    print_findings(err.findings)
    typer.echo(f"error: {plain(str(err))}", err=True)
    if err.hint:
        typer.echo("hint: " + "\n".join(map(plain, err.hint.splitlines())), err=True)


def surprise(err: Exception, *, debug: bool) -> None:
    """Print an error nobody expected; the traceback only for those who asked for it."""
    typer.echo(f"error: something went wrong that should not: {type(err).__name__}: {err}", err=True)
    if debug:
        import traceback  # noqa: PLC0415 - rare

        typer.echo("".join(traceback.format_exception(err)), err=True)
    else:
        typer.echo("hint: this is a mistake in the program. Please report it with what `newsletter --debug …` prints.", err=True)


def _version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and needed only here

        typer.echo(f"newsletter-composer {version('newsletter-composer')}")
        raise typer.Exit


app = typer.Typer(
    name="newsletter",
    cls=Shell,
    help="Compose a newsletter from one Markdown file and deliver it to every subscriber exactly as tested.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="DIR", help="The project's folder. Default: found upward from the working directory."),
    ] = None,
    debug: Annotated[  # noqa: ARG001 - Shell reads it off the context
        bool, typer.Option("--debug", envvar="NEWSLETTER_DEBUG", help="Show a traceback when something unexpected happens.")
    ] = False,
    _version_asked: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda value: _version(asked=value), help="Print the version and stop.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    context.obj = Scope(project)


app.command("init")(init)
app.command("new")(new)
app.command("build")(build)
app.command("check", short_help="Say what is wrong with issues, and how to mend it.")(check)
app.command("preview", short_help="Show an issue in the browser while it is written.")(preview)
app.command("test", short_help="Mail an issue to colleagues as its readers will get it.")(send_test)
app.command("send", short_help="Deliver an issue to lists.")(send)
app.command("campaigns", short_help="List what was sent so far.")(campaigns)
app.command("status", short_help="Show how a campaign stands.")(status)
app.command("who", short_help="Say whether a person got it.")(who)
app.command("export", short_help="Write everybody of a campaign as CSV.")(export)
app.command("pause", short_help="Pause a campaign, also from elsewhere.")(pause)
app.command("resume", short_help="Go on with a campaign that stopped.")(resume)
app.command("cancel", short_help="End a campaign for good.")(cancel)
app.command("retry", short_help="Try those again who failed or are deferred.")(retry)
app.command("resolve", short_help="Decide about those in doubt.")(resolve)
app.add_typer(lists)
app.add_typer(suppress)
app.add_typer(subscriber)
app.add_typer(db)
app.command("doctor", short_help="Look for what would keep mail from arriving.")(doctor)
app.command("recall", short_help="Withdraw what was handed over to be sent later.")(recall)


def main() -> None:
    """Entry point of the ``newsletter`` command."""
    try:
        app(prog_name="newsletter")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
