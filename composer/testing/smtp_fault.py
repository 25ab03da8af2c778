"""What a recording mail server is told to do wrong: at which step, how, to whom, and how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from threading import Lock

STEPS = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot", "rset", "noop", "quit")


@dataclass(frozen=True, slots=True)
class Fault:
    r"""One way to misbehave.

    ``reply`` is said instead of the usual answer (several lines with ``\r\n`` between; after 421 the connection is closed);
    ``close`` hangs up after it, or without a word when there is none; ``half`` says the first half of a line and hangs up;
    ``silent`` never answers; ``delay`` waits, in seconds, and then answers. ``keep`` accepts the message although the answer is lost.
    """

    reply: str = ""
    close: bool = False
    half: bool = False
    silent: bool = False
    delay: float = 0.0
    keep: bool = False

    @property
    def accepts(self) -> bool:
        """Whether a message to whose final dot this is the answer counts as accepted."""
        lost = self.close or self.half or self.silent
        return self.keep or (self.reply.startswith("2") if self.reply else not lost)


@dataclass(slots=True)
class Rule:
    """A fault and when it happens: ``skip`` times not, then ``times`` (None: always), for addresses that hold ``marker``."""

    step: str
    fault: Fault
    times: int | None = None
    skip: int = 0
    marker: str = ""
    chance: float = 1.0

    def strikes(self, step: str, address: str, random: Random) -> bool:
        """Tell whether it happens now, and count."""
        if step != self.step or self.marker not in address or self.times == 0:
            return False
        if self.chance < 1 and random.random() >= self.chance:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass(slots=True)
class Faults:
    """The rules of a server, asked in order; the first one that strikes counts. Safe between threads."""

    seed: int = 0
    rules: list[Rule] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - the same storm each time

    def add(self, rule: Rule) -> None:
        """Add a rule behind those that there are. Raises ValueError for a step that there is not."""
        if rule.step not in STEPS:
            raise ValueError(f"no step {rule.step}: it is one of {', '.join(STEPS)}")
        with self._lock:
            self.rules.append(rule)

    def clear(self) -> None:
        """Misbehave no more."""
        with self._lock:
            self.rules.clear()

    def at(self, step: str, address: str) -> Fault | None:
        """Return what goes wrong at a step; ``address`` is the recipient's, at mail the sender's."""
        if not self.rules:
            return None
        with self._lock:
            return next((rule.fault for rule in self.rules if rule.strikes(step, address, self._random)), None)


def parse_rule(text: str) -> Rule:
    """Read a rule as typed: ``STEP=WHAT[@CHANCE]``.

    WHAT is ``close``, ``half``, ``silent``, ``lost`` (accepted, then closed without a word), ``late SECONDS`` (accepted) or a reply
    such as ``451 4.3.2 busy``. Raises ValueError.
    """
    step, _, what = text.partition("=")
    what, _, chance = what.partition("@")
    word, _, rest = what.strip().partition(" ")
    plain = {"close": Fault(close=True), "half": Fault(half=True), "silent": Fault(silent=True), "lost": Fault(close=True, keep=True)}
    if word == "late":
        fault = Fault(delay=float(rest))
    elif word in plain:
        fault = plain[word]
    elif re.fullmatch(r"[2-5]\d\d", word):
        fault = Fault(what.strip())
    else:
        raise ValueError(f"not a fault: {what}")
    return Rule(step.strip(), fault, chance=float(chance or 1))
