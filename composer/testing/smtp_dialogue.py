"""One connection of a recording mail server: commands in, replies out, as RFC 5321 and its extensions have them."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from binascii import Error as NotBase64
from contextlib import suppress
from typing import TYPE_CHECKING

from composer.testing.smtp_wire import House, Over, Received, Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from composer.testing.smtp_fault import Fault

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>((?: +[^ ]+)*)", re.IGNORECASE)
_LONGEST_LINE = 1000


class Dialogue:
    """Talks with one client until either has enough; ``wire.sock`` is the socket in use at the end, TLS or not."""

    def __init__(self, sock: socket.socket, number: int, house: House) -> None:
        self.wire, self.number, self.house = Wire(sock), number, house
        self.greeted = self.secure = False
        self.user = ""
        self.taken = 0
        self.reset()
        self.commands: dict[str, Callable[[str], None]] = {
            "EHLO": self.hello,
            "STARTTLS": self.start_tls,
            "AUTH": self.auth,
            "MAIL": self.mail,
            "RCPT": self.rcpt,
            "DATA": self.data,
            "RSET": self.rset,
            "NOOP": self.noop,
            "QUIT": self.quit,
        }

    def reset(self) -> None:
        """Forget the transaction."""
        self.sender: str | None = None
        self.parameters: tuple[str, ...] = ()
        self.recipients: list[str] = []

    def run(self) -> None:
        """Talk until the end."""
        with suppress(Over):
            if self.house.implicit:
                self.secured()
            self.answer("connect", "220 localhost ESMTP, everything is written down")
            while True:
                verb, _, rest = self.wire.until(b"\r\n").decode("utf-8", "replace").partition(" ")
                command = self.commands.get(verb.upper())
                if command:
                    command(rest)
                else:
                    self.wire.say(b"500 5.5.1 unknown command\r\n")

    def answer(self, step: str, usual: str, address: str = "") -> bool:
        """Give the usual reply, or what the faults want; True when what was said is of the usual kind. Raises Over."""
        return self.reply(usual, self.house.faults.at(step, address))

    def reply(self, usual: str, fault: Fault | None) -> bool:
        """Answer as usual, or as the fault says."""
        if self.wire.ahead and not self.house.pipelining:
            self.wire.say(b"503 5.5.0 improper pipelining\r\n")  # as Postfix says to those who do not wait
            raise Over
        text = (fault.reply if fault else "") or usual
        if fault:
            self.misbehave(fault, text)
        self.wire.say(text.encode() + b"\r\n")
        if text.startswith(("421", "221")) or (fault and fault.close):
            raise Over
        return text[0] == usual[0]

    def misbehave(self, fault: Fault, text: str) -> None:
        """Do what comes before an answer, or instead of it."""
        while fault.silent:
            self.wire.until(b"\n")
        if fault.delay:
            self.house.stop.wait(fault.delay)
        if fault.half:
            self.wire.say(text[: len(text) // 2].encode())
        if fault.half or (fault.close and not fault.reply):
            raise Over

    def secured(self) -> None:
        """Begin TLS; what was read ahead in plaintext is thrown away (RFC 3207, 6)."""
        if self.house.context is None:
            raise Over
        self.wire.ahead.clear()
        try:
            self.wire.sock = self.house.context.wrap_socket(self.wire.sock, server_side=True, do_handshake_on_connect=False)
            self.wire.sock.do_handshake()
        except OSError:
            raise Over from None
        self.secure = True

    def hello(self, _: str) -> None:
        """EHLO: what there is to offer."""
        offers = ["localhost", "8BITMIME", "ENHANCEDSTATUSCODES", *(["PIPELINING"] if self.house.pipelining else [])]
        offers += [f"SIZE {self.house.size}"] if self.house.size else ["SIZE"]
        offers += ["SMTPUTF8"] if self.house.utf8 else []
        offers += ["STARTTLS"] if self.may_start_tls else []
        offers += [f"AUTH {' '.join(self.house.mechanisms)}"] if self.house.username and not self.may_start_tls else []
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self.greeted = self.answer("ehlo", "\r\n".join(lines))
        self.reset()

    @property
    def may_start_tls(self) -> bool:
        """Whether TLS is there and not yet in use."""
        return self.house.context is not None and not self.secure

    def start_tls(self, _: str) -> None:
        """STARTTLS."""
        if not self.may_start_tls:
            self.wire.say(b"502 5.5.1 no TLS here\r\n")
        elif self.answer("starttls", "220 2.0.0 go ahead"):
            self.secured()
            self.greeted = False

    def auth(self, rest: str) -> None:
        """AUTH PLAIN or LOGIN."""
        mechanism, _, initial = rest.partition(" ")
        if not self.house.username or mechanism.upper() not in self.house.mechanisms or self.may_start_tls:
            self.wire.say(b"504 5.5.4 no such login here\r\n")
            return
        if mechanism.upper() == "PLAIN":
            given = self.decoded(initial or self.asked("334 ")).split("\0")[1:]
        else:
            given = [self.decoded(initial or self.asked("334 VXNlcm5hbWU6")), self.decoded(self.asked("334 UGFzc3dvcmQ6"))]
        right = given == [self.house.username, self.house.password]
        if self.answer("auth", "235 2.7.0 welcome" if right else "535 5.7.8 wrong name or password") and right:
            self.user = self.house.username

    def asked(self, question: str) -> str:
        """Ask for one more line."""
        self.wire.say(question.encode() + b"\r\n")
        return self.wire.until(b"\r\n").decode("ascii", "replace")

    @staticmethod
    def decoded(text: str) -> str:
        """Read base64, or nothing."""
        try:
            return b64decode(text, validate=True).decode("utf-8", "replace")
        except NotBase64:
            return ""

    def mail(self, rest: str) -> None:
        """MAIL FROM."""
        path = _PATH.fullmatch(rest)
        address, parameters = (path[1], tuple(path[2].split())) if path else ("", ())
        self.reset()
        if self.house.per_connection and self.taken >= self.house.per_connection:
            self.wire.say(b"421 4.7.0 enough for one connection\r\n")
            raise Over
        if self.answer("mail", self.before_mail(path is not None, address, parameters) or "250 2.1.0 sender ok", address) and path:
            self.sender, self.parameters = address, parameters

    def before_mail(self, understood: bool, address: str, parameters: tuple[str, ...]) -> str:  # noqa: FBT001 - of this class alone
        """Say why there can be no transaction, or nothing."""
        sizes = [int(each[5:]) for each in parameters if re.fullmatch(r"SIZE=\d{1,20}", each, re.IGNORECASE)]
        if self.may_start_tls:
            return "530 5.7.0 must issue a STARTTLS command first"
        if self.house.username and not self.user:
            return "530 5.7.0 authentication required"
        if not self.greeted:
            return "503 5.5.1 say EHLO first"
        if not understood:
            return "501 5.5.4 MAIL FROM:<address>"
        if self.house.size and any(size > self.house.size for size in sizes):
            return "552 5.3.4 message too big"
        if "SMTPUTF8" in parameters and not self.house.utf8:
            return "555 5.5.4 SMTPUTF8 is not known"
        return "" if address.isascii() or "SMTPUTF8" in parameters else "553 5.6.7 no SMTPUTF8 was asked for"

    def rcpt(self, rest: str) -> None:
        """RCPT TO."""
        path = _PATH.fullmatch(rest)
        address = path[1] if path else ""
        usual = "250 2.1.5 recipient ok"
        if self.sender is None:
            usual = "503 5.5.1 MAIL first"
        elif not address:
            usual = "501 5.1.3 RCPT TO:<address>"
        elif not address.isascii() and "SMTPUTF8" not in self.parameters:
            usual = "553 5.6.7 no SMTPUTF8 was asked for"
        if self.answer("rcpt", usual, address) and usual.startswith("250"):
            self.recipients.append(address)

    def data(self, _: str) -> None:
        """DATA, the message, and the final dot."""
        who = self.recipients[0] if self.recipients else ""
        if not who:
            self.wire.say(b"503 5.5.1 RCPT first\r\n")
        elif self.answer("data", "354 go ahead, end with a dot", who):
            # A message may begin with the final dot: the line break before it is that of DATA itself.
            data = self.wire.until(b"\r\n.\r\n", b"\r\n")
            self.dot(data, who)

    def dot(self, raw: bytes, who: str) -> None:
        """Take a message, or not, and answer; it is noted before it is answered."""
        wrong = self.wrong_with(raw)
        fault = self.house.faults.at("dot", who)
        if not wrong and (fault is None or fault.accepts):
            self.taken += 1
            data = raw.replace(b"\r\n..", b"\r\n.")[2:] + b"\r\n"
            self.house.accept(
                Received(self.sender or "", tuple(self.recipients), data, self.parameters, time.time(), self.number, self.secure, self.user)
            )
        self.reset()
        self.reply(wrong or f"250 2.0.0 ok: queued as {self.number}-{self.taken}", fault)

    def wrong_with(self, raw: bytes) -> str:
        """Say why the message cannot be taken, or nothing."""
        if self.house.size and len(raw) > self.house.size:
            return "552 5.3.4 message too big"
        if self.house.strict and (_BARE.search(raw) or max(map(len, raw.split(b"\r\n"))) > _LONGEST_LINE - 2):
            return "554 5.6.0 a line break that is none, or a line too long"
        if self.house.strict and not raw.isascii() and not {"SMTPUTF8", "BODY=8BITMIME"} & set(self.parameters):
            return "554 5.6.0 bytes that were not announced"
        return ""

    def rset(self, _: str) -> None:
        """RSET."""
        self.reset()
        self.answer("rset", "250 2.0.0 forgotten")

    def noop(self, _: str) -> None:
        """NOOP."""
        self.answer("noop", "250 2.0.0 still here")

    def quit(self, _: str) -> None:
        """QUIT."""
        self.answer("quit", "221 2.0.0 bye")
