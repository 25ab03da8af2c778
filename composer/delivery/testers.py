"""Whom a test goes to, which lists it is composed for, and as whom it is merged: names and addresses in, people out.

Only reads. A test goes to lists of kind staff and to addresses that are named, never to anybody who asked not to be mailed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.audience.address import Problem, parse_address
from composer.audience.files import declare, list_names, read_list
from composer.audience.model import Subscriber
from composer.audience.reasons import counted, told
from composer.audience.select import is_public, unite
from composer.delivery.choosing import Chooser
from composer.errors import UsageError
from composer.ledger.forgotten import is_forgotten
from composer.ledger.subscribers import read_person
from composer.ledger.suppressions import EVERYWHERE, suppressions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from composer.audience.address import Address
    from composer.audience.model import Declaration, LeftOut
    from composer.findings import Finding
    from composer.ledger.database import Ledger
    from composer.project import Project


@dataclass(frozen=True, slots=True)
class Testers:
    """Whom a test goes to, each once, who of the lists was left out and why, and what is wrong with the lists."""

    __test__ = False  # pytest takes every class of that name for a test

    people: tuple[Subscriber, ...]
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()


def meant_for(project: Project, names: Sequence[str]) -> dict[str, Declaration]:
    """Return the lists that an issue is tested for, by name as given: those named, else the project's only public list.

    Raises UsageError when it is not known which, AudienceError for one that there is not.
    """
    if names:
        return {name: declare(project, name) for name in names}
    found = {name: declare(project, name) for name in list_names(project)}
    public = {name: declaration for name, declaration in found.items() if is_public(declaration.settings)}
    if len(public) == 1:
        return public
    known = ", ".join(public or found) or "none yet"
    what = "there are several public lists" if public else "there is no public list"
    raise UsageError(f"{what}: which one is this issue for?", hint=f"Name it with --for: {known}.")


def find_testers(project: Project, ledger: Ledger | None, to: Sequence[str], about: Sequence[str]) -> Testers:
    """Find the people of staff lists and addresses; ``about`` names the lists whose letter it is.

    Raises UsageError for a public list, for an address that must not be mailed, and when nobody is left; AudienceError.
    """
    names = [each for each in dict.fromkeys(to) if not _is_address(each)]
    for name in names:
        if is_public(declare(project, name).settings):
            hint = f"Name a list of kind staff, or addresses; `newsletter send … --to {name}` is for the public."
            raise UsageError(f"{name} is a public list: tests go to the staff alone", hint=hint)
    chooser = Chooser(project, ledger)
    lists = chooser.open_lists(names)
    choice = chooser.choose(lists)
    scopes = {EVERYWHERE, *about, *(each.settings.name for each in lists)}
    named = [_named(project, ledger, each, scopes) for each in to if _is_address(each)]
    people = unite((*choice.audience.subscribers, *named))
    left_out = choice.audience.left_out
    if not people:
        left = "; ".join(counted(each.reason, each.count) for each in left_out)
        hint = "Put colleagues into recipients/staff.csv, or name an address with --to."
        raise UsageError(f"there is nobody to send the test to{f' ({left})' if left else ''}", hint=hint)
    findings = (*(finding for each in lists for finding in each.findings), *choice.findings)
    return Testers(people, left_out, findings)


def find_subscriber(project: Project, ledger: Ledger | None, lists: dict[str, Declaration], text: str) -> Subscriber:
    """Find somebody of these lists by address, as a send to them would. Raises UsageError when they are on none."""
    address = _address(text)
    found = [person for name, declaration in lists.items() if (person := _on(project, ledger, name, declaration, address))]
    if not found:
        hint = "`newsletter subscriber show EMAIL` says where a person stands; --for names another list."
        raise UsageError(f"{address.email} is not on {', '.join(lists)}", hint=hint)
    return unite(found)[0]


def _on(project: Project, ledger: Ledger | None, name: str, declaration: Declaration, address: Address) -> Subscriber | None:
    if not declaration.in_ledger:
        return next((person for person in read_list(project, name).subscribers if person.key == address.key), None)
    known = read_person(ledger, address.key, project.signing_keys()) if ledger else None
    if not known or not known.profile or all(each.list != declaration.settings.name for each in known.subscriptions):
        return None
    return Subscriber(known.profile.email, address.key, known.profile.name, known.profile.fields)


def _is_address(text: str) -> bool:
    return "@" in text and not text.lower().endswith(".csv")


def _address(text: str) -> Address:
    found = parse_address(text)
    if isinstance(found, Problem):
        raise UsageError(f"{text[:80]!r}: {found.message}", hint=found.hint)
    return found


def _named(project: Project, ledger: Ledger | None, text: str, scopes: set[str]) -> Subscriber:
    address = _address(text)
    if ledger:
        for each in suppressions_of(ledger, address.key):
            if each.scope in scopes:
                place = f"on the list {each.scope}" if each.scope else "everywhere"
                hint = f"`newsletter subscriber show {address.email}` says since when, and who said so."
                raise UsageError(f"{address.email} is suppressed {place} ({told(each.reason)}): no test goes there", hint=hint)
        if is_forgotten(ledger, [address.key], project.signing_keys()):
            raise UsageError(f"{address.email} asked to be forgotten: no test goes there", hint="Name another address.")
    return Subscriber(address.email, address.key, address.name)
