"""``newsletter who``: did this person get it? A plain answer for each campaign, then what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from composer.cli.output import print_json, print_pairs
from composer.cli.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composer.audience.address import Address
    from composer.cli.answer import Answer
    from composer.ledger.database import Ledger
    from composer.ledger.model import Campaign
    from composer.ledger.subscribers import Person
    from composer.project import Project


def who(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address, in any spelling.")],
    campaign: Annotated[
        int | None, typer.Argument(metavar="ID", min=1, max=2**31 - 1, help="The campaign. Default: all they were in, and the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say whether a person got it: yes, no, not yet or perhaps, and why; then every attempt with its time and answer."""
    from composer.cli.answer import as_data, as_pairs  # noqa: PLC0415 - brings the database
    from composer.cli.status import existing_ledger  # noqa: PLC0415

    project = scope_of(context).project()
    address = _address(email)
    with existing_ledger(project) as ledger:
        person, answers = _ask(project, ledger, address, campaign)
    tests = person.test_sends if campaign is None else [each for each in person.test_sends if each.issue == answers[0].campaign.issue]
    if as_json:
        print_json(as_data(address, answers, tests))
        return
    for number, pairs in enumerate(as_pairs(address, answers, tests)):
        if number:
            typer.echo("")
        print_pairs(pairs)


def _address(email: str) -> Address:
    from composer.audience.address import Problem, parse_address  # noqa: PLC0415 - `--help` needs no address
    from composer.errors import UsageError  # noqa: PLC0415

    address = parse_address(email)
    if isinstance(address, Problem):
        raise UsageError(f"{email!r}: {address.message}", hint=address.hint)
    return address


def _ask(project: Project, ledger: Ledger, address: Address, number: int | None) -> tuple[Person, list[Answer]]:
    from composer.cli.answer import Answer  # noqa: PLC0415 - brings the database
    from composer.delivery.absence import why_absent  # noqa: PLC0415
    from composer.ledger.subscribers import read_person  # noqa: PLC0415

    person = read_person(ledger, address.key, project.signing_keys())
    mine = {each.campaign: each for each in person.deliveries}
    found = [(campaign, mine.get(campaign.id)) for campaign in _campaigns(ledger, set(mine), number)]
    return person, [Answer(campaign, delivery, "" if delivery else why_absent(project, campaign, person)) for campaign, delivery in found]


def _campaigns(ledger: Ledger, mine: set[int], number: int | None) -> Iterator[Campaign]:
    """Yield the campaign asked for; else those that the person is in and the newest real one (if any), the newest first."""
    from composer.ledger.campaigns import list_campaigns, read_campaign  # noqa: PLC0415 - with the database

    if number is not None:
        yield read_campaign(ledger, number)
        return
    newest = list_campaigns(ledger)
    known = {each.id: each for each in newest}
    latest = [each.id for each in newest if each.real][:1] or [each.id for each in newest][:1]
    for each in sorted({*mine, *latest}, reverse=True):
        yield known.get(each) or read_campaign(ledger, each)
