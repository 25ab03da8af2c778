"""Writes the pages that are made from the code: configuration, command line, delivery states.

``python docs/generate.py`` writes them; with ``--check`` it writes nothing and fails when one is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made by docs/generate.py; edit the code and run `make docs`. -->\n"

CONFIGURATION = """# Configuration

`newsletter.toml` stands at the project's root. Commands find it upward from the working directory, or in the folder that
`--project` names. A key may be overridden by the environment variable in its row, or by the same name in a file `.env` at the
root; the environment wins over `.env`, and both win over the file. An unknown key is an error with its line, and so is a
password or key in the file: secrets come from the environment or `.env` only.
"""

SECRETS = """
## Secrets

From the environment or `.env`, never from the file.

| variable | what it is |
|---|---|
| `NEWSLETTER_SECRET_KEYS` | Keys that sign the links in mail, newest first, apart by spaces or commas. Not set: `var/secret.key`. |
| `SENDGRID_API_KEY` | The key of the SendGrid account, for `[delivery] transport = "sendgrid"` and `newsletter suppress sync`. |
| `SMTP_PASSWORD` | The password of `[transport.smtp] username`. |
| `DKIM_PRIVATE_KEY` | The key that signs mail (DKIM), in PEM; a line break may be written as `\\n`. Not set: `var/dkim.pem`. |
| `NEWSLETTER_DATABASE_URL` | The address of the ledger, when it holds a password. |
"""

COMMANDS = """# Command line

Results go to stdout; findings, progress and questions to stderr (of `check`, the findings are the result). `--to` names lists
everywhere: one that is declared in `recipients/`, or a CSV file. What `--json` prints is described at the end, or on the page of
its subject: [lists](lists.md), [checking](checking.md), [campaigns](campaigns.md), [people](people.md), [test sends](test-sends.md),
[doctor](doctor.md).

| exit code | means |
|---|---|
| 0 | done |
| 1 | done, with errors to look at: `build` still writes everything; `check` ends so from `--fail-on` on |
| 2 | bad usage, configuration or input; nothing was sent |
| 3 | stopped before the end: `newsletter resume` goes on with a campaign |

With the variable `NEWSLETTER_DEBUG=1`, or `--debug`, something unexpected prints its traceback.
"""

SHAPES = """
## JSON

`newsletter build --json` prints:

| key | what it is |
|---|---|
| `issue`, `list` | the issue's stem; the list's name, empty without `--to` |
| `folder`, `files` | where the files are, and their names in it |
| `digest` | SHA-256 of all that a reader gets; two builds with one digest are the same mail |
| `html_bytes`, `gmail_clip_bytes` | the size of `email.html`, and the size that Gmail cuts off at |
| `findings` | a list of `code`, `severity`, `where`, `message`, `hint`; the codes are in [findings.md](findings.md) |

`edition.json`, which a build writes, holds `stem`, `list`, `language`, `from`, `reply_to`, `subject`, `preheader`, `draft`, `digest`,
`fields` (each with `name`, `context`, `default`, `source`, `where`) and `images` (each with `name`, `file`, `sha256`, `width`, `height`).

What `newsletter status`, `campaigns` and `who` print is described with [campaigns](campaigns.md#json).
"""

STATES = """# States of a delivery

A delivery is one campaign and one subscriber. Its row is written before anything is sent, and the step to `sending`, the claim,
is on disk before the message leaves. So after a crash the answer is known for each person.

| state | means |
|---|---|
| `pending` | not tried yet, or known not to have left |
| `sending` | claimed: being sent right now, or it was when the process died |
| `accepted` | the transport took it |
| `deferred` | not accepted this time; due again later |
| `rejected` | a final no about this person |
| `failed` | given up: retries used up, too old, or the message could not be built |
| `in_doubt` | perhaps sent: the answer was lost. Never sent again without a person's word |
| `skipped` | not mailed on purpose: already mailed, suppressed, cancelled or resolved |
| `recalled` | accepted, then withdrawn in time |

## The whole table

What is not in this table does not happen: a run takes each step from it, an answer is recorded only for what is being sent, and
the database refuses a word that is no state. The tests use the same table.
"""


def configuration() -> str:
    """Return docs/configuration.md."""
    from composer.config import keys  # noqa: PLC0415 - only this page needs it

    parts = [CONFIGURATION]
    for table, rows in groupby(keys(), key=lambda key: key.table):
        parts.append(f"\n## `[{table}]`\n\n| key | default | environment | what it is |\n|---|---|---|---|\n")
        for key in rows:
            choices = f" One of: {', '.join(f'`{choice}`' for choice in key.choices)}." if key.choices else ""
            parts.append(f"| `{key.name}` | {_literal(key.default)} | `{key.env}` | {_cell(key.doc)}{choices} |\n")
    return "".join((*parts, SECRETS))


def command_line() -> str:
    """Return docs/cli.md: what ``--help`` says of every command."""
    from typer.main import get_command  # noqa: PLC0415 - only this page needs it
    from typer.testing import CliRunner  # noqa: PLC0415

    from composer.cli.app import app  # noqa: PLC0415

    parts = [COMMANDS]
    for words in ([], *_commands(get_command(app))):
        result = CliRunner().invoke(app, [*words, "--help"], prog_name="newsletter", env={"COLUMNS": "80", "NO_COLOR": "1"})
        parts.append(f"\n## {' '.join(('newsletter', *words))}\n\n```text\n{result.output.strip()}\n```\n")
    return "".join((*parts, SHAPES))


def _commands(group: Any, before: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield the words of every command, those of a group after the group's own."""
    for name, command in group.commands.items():
        yield [*before, name]
        if hasattr(command, "commands"):
            yield from _commands(command, (*before, name))


def delivery_states() -> str:
    """Return docs/delivery-states.md."""
    from composer.delivery.model import FINAL, transition_table  # noqa: PLC0415 - only this page needs it

    rows = "".join(f"| `{row.before}` | {row.event} | `{row.after}` |\n" for row in transition_table())
    final = ", ".join(f"`{state}`" for state in sorted(FINAL))
    return f"{STATES}\n| in state | this happens | leads to |\n|---|---|---|\n{rows}\nNothing leads out of {final}.\n"


PAGES = {"configuration.md": configuration, "cli.md": command_line, "delivery-states.md": delivery_states}


def _literal(value: object) -> str:
    if value == "":
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = []
    for name, make in PAGES.items():
        title, rest = make().split("\n", 1)
        text = f"{title}\n\n{MADE}{rest}"
        path = HERE / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    print(f"written: {', '.join(stale)}" if stale else "all pages are fresh")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
