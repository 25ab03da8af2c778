"""The links of a letter, all asked: two at a time of one host, eight in all, and what is known from the last day not again."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from composer.checks.letter import Letter
from composer.checks.links.cache import Kept, read_cache, worth_keeping, write_cache
from composer.checks.links.follow import Found, follow, host_of
from composer.checks.links.network import Network
from composer.checks.links.targets import targets
from composer.checks.links.told import tell
from composer.checks.page import Page
from composer.findings import Finding

AT_A_TIME, OF_ONE_HOST = 8, 2


def check_links(
    letter: Letter, page: Page, cache: Path, network: Network | None = None, done: Callable[[int, int], None] = lambda _number, _total: None
) -> tuple[Finding, ...]:
    """Ask every http and https address of a letter whether it is there.

    ``cache`` is the file of answers, ``done`` is told how many of how many addresses have been asked. Hosts that the
    configuration leaves out are not asked. Never raises for what a site does.
    """
    settings = letter.config.checks
    skipped = set(settings.skip_links.lower().split())
    found = tuple(each for each in targets(page) if host_of(each.url) not in skipped)
    wanted: dict[str, set[str]] = defaultdict(set)
    for each in found:
        wanted[each.url] |= {each.anchor} - {""}
    network = network or replace(Network(), seconds=float(settings.link_timeout))
    answers = _known_or_asked({url: frozenset(anchors) for url, anchors in wanted.items()}, cache, network, done)
    return tuple(tell(found, answers, letter.issue))


def _known_or_asked(
    wanted: Mapping[str, frozenset[str]], cache: Path, network: Network, done: Callable[[int, int], None]
) -> dict[str, Found]:
    now = datetime.now(UTC)
    known = read_cache(cache, now)
    fresh = {url for url, anchors in wanted.items() if url not in known or anchors - known[url].anchors}
    asked = ask_all({url: wanted[url] for url in wanted if url in fresh}, network, done)
    known |= {url: Kept(found, now.timestamp(), wanted[url]) for url, found in asked.items() if worth_keeping(found)}
    if asked:
        write_cache(cache, known)
    return {url: asked[url] if url in asked else known[url].found for url in wanted}


def ask_all(
    wanted: Mapping[str, frozenset[str]], network: Network, done: Callable[[int, int], None] = lambda _number, _total: None
) -> dict[str, Found]:
    """Follow addresses, each with the anchors to look for; politely, whatever hosts they redirect to."""
    answers: dict[str, Found] = {}
    stop = threading.Event()
    gate = _Gates()

    def run(lane: Collection[str]) -> None:
        for url in lane:
            if stop.is_set():
                return
            answers[url] = follow(url, wanted[url], network, gate.open)
            done(len(answers), len(wanted))

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        try:
            list(threads.map(run, _lanes(wanted)))
        except BaseException:
            stop.set()
            raise
    return answers


def _lanes(urls: Collection[str]) -> Iterator[list[str]]:
    """Divide addresses so that nobody waits in line for a host while others could be asked."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        hosts[host_of(url)].append(url)
    for of_host in sorted(hosts.values(), key=len, reverse=True):
        yield from (of_host[number::OF_ONE_HOST] for number in range(min(OF_ONE_HOST, len(of_host))))


class _Gates:
    """Lets two at a time through to each host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, threading.Semaphore] = {}

    @contextmanager
    def open(self, host: str) -> Iterator[None]:
        with self._lock:
            gate = self._of.setdefault(host, threading.Semaphore(OF_ONE_HOST))
        with gate:
            yield
