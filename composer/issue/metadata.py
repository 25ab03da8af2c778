"""What the front matter says of an issue: the Netlify/Gatsby schema as it is, and short forms; each key with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from composer.errors import IssueError
from composer.findings import Finding, Where, info, warning
from composer.issue.dates import read_moment
from composer.issue.frontmatter import LONGEST, FrontMatter
from composer.issue.silences import Silence, from_front_matter
from composer.issue.slips import MOST_GUESSES, nearest

_KNOWN = {
    "title", "subject", "preheader", "description", "slug", "url", "canonical_url", "language", "lang", "template",
    "author", "date", "category", "categories", "tags", "hidePost", "draft", "published", "seo", "templateKey", "checks_off",
}  # fmt: skip
_KNOWN_SEO = {"url", "title", "description", "twitterUsername"}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Front matter, understood. Empty strings mean "not set"; ``lines`` are those of the keys."""

    title: str
    subject: str
    preheader: str
    slug: str
    url: str
    language: str
    template: str
    author: str
    date: datetime | None
    categories: tuple[str, ...]
    draft: bool
    silences: tuple[Silence, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_metadata(front: FrontMatter, path: str) -> Metadata:
    """Understand an issue's front matter. Raises IssueError with the line of the key that is wrong or missing."""
    return _Reader(front, path).read()


class _Reader:
    def __init__(self, front: FrontMatter, path: str) -> None:
        self.data = front.data
        self.lines = front.lines
        self.path = path
        self.findings = list(front.findings)
        seo = front.data.get("seo")
        self.seo: Mapping[str, object] = seo if isinstance(seo, dict) else {}

    def read(self) -> Metadata:
        title = self.text("title")
        if not title:
            raise self.no_title()
        return Metadata(
            title=title,
            subject=self.text("subject") or title,
            preheader=self.text("preheader") or self.text("description") or self.text("seo.description"),
            slug=self.slug(),
            url=self.url(),
            language=self.language(),
            template=self.text("template"),
            author=self.text("author"),
            date=self.date(),
            categories=self.categories(),
            draft=self.flag("hidePost") or self.flag("draft") or ("published" in self.data and not self.flag("published")),
            silences=self.silences(),
            extra=self.extra(),
            findings=tuple(self.findings),  # last: what stands above adds to them
        )

    def no_title(self) -> IssueError:
        found = tuple(self.findings)
        typed = next((key for key in list(self.data)[:MOST_GUESSES] if key not in _KNOWN and nearest(key, ["title"])), "")
        if typed:
            hint = f"Write title: instead of {typed}:"
            return IssueError(f"the issue has no title, but a {typed[:40]!r}", where=self.where(typed), hint=hint, findings=found)
        where = self.where("title") if "title" in self.lines else Where(self.path, 1)
        hint = "Add to the front matter: title: The title of this issue"
        return IssueError("the issue has no title", where=where, hint=hint, findings=found)

    def where(self, key: str) -> Where:
        return Where(self.path, self.lines.get(key, self.lines.get(key.partition(".")[0])))

    def text(self, key: str) -> str:
        value = self.seo.get(key[4:]) if key.startswith("seo.") else self.data.get(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise IssueError(f"{key} must be a text", where=self.where(key), hint=f'Write {key.rpartition(".")[2]}: "…" on one line.')
        # YAML and TOML escapes can spell what a file cannot hold: halves of a character pair, and control characters.
        whole = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return " ".join(_CONTROL.sub(" ", whole).split())

    def flag(self, key: str) -> bool:
        value = self.data.get(key, False)
        if isinstance(value, str) and value.lower() in {"true", "false", "yes", "no", ""}:
            return value.lower() in {"true", "yes"}
        if value is None or isinstance(value, bool):
            return bool(value)
        raise IssueError(
            f"{key} must be true or false, not {value!r:.40}", where=self.where(key), hint=f"Write {key}: true or {key}: false."
        )

    def date(self) -> datetime | None:
        text = self.text("date")
        if not text:
            return None
        try:
            return read_moment(text)
        except ValueError as err:
            hint = str(err)
            hint = f"{hint[:1].upper()}{hint[1:]}."
            raise IssueError(f"the date {text[:60]!r} is not understood", where=self.where("date"), hint=hint) from err

    def categories(self) -> tuple[str, ...]:
        found: list[str] = []
        for key in ("category", "categories", "tags"):
            value = self.data.get(key)
            for item in value if isinstance(value, list) else [value]:
                label = (item.get("label") or item.get("value")) if isinstance(item, dict) else item
                if isinstance(label, str | int) and str(label).strip():
                    found.append(" ".join(str(label).split()))
        return tuple(dict.fromkeys(found))

    def silences(self) -> tuple[Silence, ...]:
        value = self.data.get("checks_off")
        if value is None:
            return ()
        listed = value if isinstance(value, list) else [value]
        entries = list(value.items()) if isinstance(value, dict) else [(code, "") for code in listed]
        if not all(isinstance(code, str) for code, _ in entries):
            hint = 'Write each code with its reason: checks_off: {link-http: "that site has no https"}.'
            raise IssueError("checks_off must be codes and reasons", where=self.where("checks_off"), hint=hint)
        return tuple(from_front_matter(str(code), reason, self.where(f"checks_off.{code}")) for code, reason in entries)

    def slug(self) -> str:
        slug = self.text("slug").strip("/")
        if slug and not re.fullmatch(r"[\w.~/-]+", slug):
            raise IssueError(
                f"the slug {slug[:60]!r} cannot stand in a web address", where=self.where("slug"), hint="Use letters, digits and dashes."
            )
        return slug

    def url(self) -> str:
        key = next((key for key in ("canonical_url", "url", "seo.url") if self.text(key)), "")
        if not key:
            return ""
        typed = self.text(key)
        url = typed.replace(" ", "")
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
            url = "https://" + url.lstrip("/")
        if not re.match(r"https?://[^/?#\s]+\.[^/?#\s]+|https?://localhost", url, re.IGNORECASE):
            raise IssueError(
                f"{key} is not a web address: {typed[:80]!r}", where=self.where(key), hint="Write it whole: https://example.org/…"
            )
        if url != typed:
            self.findings.append(
                warning(
                    "url-repaired",
                    self.where(key),
                    f"the address {typed!r} is not complete; {url} is used",
                    "Correct it in the front matter.",
                )
            )
        return quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")

    def language(self) -> str:
        key = "language" if "language" in self.data else "lang"
        language = self.text(key)
        if language and not _LANGUAGE.fullmatch(language):
            raise IssueError(
                f"{key} is not a language tag: {language[:40]!r}", where=self.where(key), hint="Write for example en, fr or pt-BR (BCP 47)."
            )
        return language

    def extra(self) -> dict[str, object]:
        extra = {key: value for key, value in self.data.items() if key not in _KNOWN}
        extra |= {f"seo.{key}": value for key, value in self.seo.items() if str(key) not in _KNOWN_SEO}
        if extra:
            names = sorted(map(str, extra), key=lambda name: self.where(name).line or LONGEST)
            guesses = [(name, nearest(name.removeprefix("seo."), _KNOWN)) for name in names[:MOST_GUESSES]]
            meant = ", ".join(f"{guess} for {name}" for name, guess in guesses if guess)
            hint = f"{f'Did you mean {meant[:300]}? ' if meant else ''}Known keys are listed in docs/writing.md."
            self.findings.append(
                info("unknown-keys", Where(self.path, self.where(names[0]).line or 1), f"kept but not used: {', '.join(names)[:300]}", hint)
            )
        handle = self.seo.get("twitterUsername")  # no letter shows it; a check compares it with that of other issues
        return extra | {"seo.twitterUsername": handle} if handle else extra
