"""Issue → Edition, as a numbered pipeline. Pure given the templates: same input, same bytes, same digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import unescape

from markupsafe import Markup

from composer.config import FILE_NAME, ListSettings
from composer.edition import mjml
from composer.edition.arrange import pieces, section_view
from composer.edition.fields import Slots, fill_for_display, latin_as_references
from composer.edition.html import prose_html
from composer.edition.inline import inline
from composer.edition.layout import SectionView
from composer.edition.marks import Carried, carried, unmark, without
from composer.edition.model import Context, Edition
from composer.edition.origins import Origins
from composer.edition.plaintext import Frame, plaintext
from composer.edition.templates import Templates, templates_of
from composer.edition.theme import known_sections
from composer.errors import TemplateError
from composer.findings import Finding, Where, error, warning
from composer.issue.model import Issue
from composer.project import Project

DEFAULT_TEMPLATE = "newsletter"
NO_SENDER = "newsletter@example.invalid"
CONTENTS_FROM = 4
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class _Setting:
    """Everything one Edition is set from."""

    issue: Issue
    list_: ListSettings
    project: Project
    templates: Templates
    slots: Slots
    web: bool = False

    @property
    def language(self) -> str:
        return self.issue.language or self.list_.language or self.project.config.newsletter.language

    @property
    def template(self) -> str:
        return self.issue.template or self.list_.template or DEFAULT_TEMPLATE

    @property
    def from_(self) -> str:
        return self.list_.from_ or self.project.config.newsletter.from_ or NO_SENDER

    @property
    def words(self) -> Mapping[str, str]:
        words: Mapping[str, str] = self.templates.theme().get("words", {})
        return words

    @property
    def list_title(self) -> str:
        return self.list_.title or self.project.config.newsletter.name

    @property
    def has_preferences(self) -> bool:
        config = self.project.config.unsubscribe
        return config.via in {"mailto", "sendgrid"} or bool(config.preferences_url)


def compose(issue: Issue, list_: ListSettings, project: Project) -> Edition:
    """Set an Issue for a List. Raises TemplateError when a template or the theme is wrong."""
    newsletter = project.config.newsletter
    # 1. The holes: an Issue's merge fields, and those that the template adds.
    slots = Slots(issue)
    setting = _Setting(issue, list_, project, templates_of(project.template_folders), slots)
    # 2. to 5. Template, MJML, HTML, inlined styles.
    marked, compiled, html = _html(setting)
    # 6. Every hole gets the mark of the context it stands in.
    html = slots.placed_html(html)
    findings = _findings(setting, html)
    # 7. The text part, from the Issue itself.
    text = _text(setting)
    # 8. What the inbox shows.
    subject, preheader = (slots.placed(value, Context.HEADER) for value in (issue.subject, issue.preheader))
    edition = Edition(
        stem=issue.stem,
        list_name=list_.name,
        list_title=setting.list_title,
        language=setting.language,
        from_=setting.from_,
        reply_to=list_.reply_to or newsletter.reply_to,
        subject=subject,
        preheader=preheader,
        html=html,
        text=text,
        fields=slots.all,
        attachments=issue.assets,
        draft=issue.draft,
        mjml=slots.as_written(unmark(marked)),
        findings=findings,
        origins=Origins(compiled, setting.templates.names, html),
    )
    # 9. The digest over all that a reader gets.
    return replace(edition, digest=_digest(edition))


def compose_web(issue: Issue, list_: ListSettings, project: Project) -> str:
    """Return the web page version: the same letter without what belongs to one reader; open fields show their default."""
    slots = Slots(issue)
    setting = _Setting(issue, list_, project, templates_of(project.template_folders), slots, web=True)
    _, _, html = _html(setting)
    html = slots.placed_html(html)
    page = Edition(issue.stem, list_.name, "", "", "", "", "", "", html, "", slots.all, issue.assets, issue.draft)
    return fill_for_display(page, html)


def _html(setting: _Setting) -> tuple[str, Carried, str]:
    """The rendered MJML with its marks, the compiled HTML with its own, and the HTML inlined."""
    templates = setting.templates
    name = setting.template
    if name not in templates.available():
        hint = f"Templates are: {', '.join(templates.available())}."
        named = (setting.issue.path, "") if setting.issue.template else (FILE_NAME, f", which the list {setting.list_.name} names")
        raise TemplateError(f"there is no template {name!r}{named[1]}", where=Where(named[0]), hint=hint)
    # 2. The template, with every MJML tag marked with its origin.
    marked = templates.render(f"{name}.mjml", _context(setting))
    # 3. MJML to HTML, which says of its elements where they came from.
    carrying = carried(marked)
    compiled = carrying._replace(text=mjml.to_html(carrying.text, templates.names))
    # 4. Styles inlined.
    html = inline(without(compiled.text, compiled.word))
    # 5. Latin as numeric references.
    return marked, compiled, latin_as_references(html)


def _context(setting: _Setting) -> dict[str, object]:
    issue, newsletter = setting.issue, setting.project.config.newsletter
    theme = setting.templates.theme()
    known = known_sections(theme)
    sections = tuple(section_view(section, known) for section in issue.sections)
    return {
        "issue": issue,
        "subject": Markup.escape(issue.subject),
        "preheader": Markup.escape(issue.preheader),
        "lang": setting.language,
        "dir": "rtl" if setting.language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
        "newsletter": newsletter,
        "list": {"title": setting.list_title, "name": setting.list_.name},
        "theme": theme,
        "lead": pieces(issue.lead),
        "sections": sections,
        "contents": _contents(sections),
        "footnotes": tuple(_note(setting, number) for number in range(len(issue.footnotes))),
        "notes_slug": "notes",
        "field": setting.slots.field,
        "has_preferences": setting.has_preferences,
        "view_url": issue.url,
        "web": setting.web,
    }


def _contents(sections: tuple[SectionView, ...]) -> tuple[SectionView, ...]:
    return sections if len(sections) >= CONTENTS_FROM else ()


def _note(setting: _Setting, number: int) -> Markup:
    return prose_html(setting.issue.footnotes[number])


def _text(setting: _Setting) -> str:
    issue, newsletter, words = setting.issue, setting.project.config.newsletter, setting.words
    why = words["why"].replace("{list}", setting.list_title)
    leave = [f"{words['unsubscribe']}: {setting.slots.field('unsubscribe_url')}"]
    if setting.has_preferences:
        leave.append(f"{words['preferences']}: {setting.slots.field('preferences_url')}")
    sender = [newsletter.name, *([newsletter.postal_address] if newsletter.postal_address else [])]
    places = [f"{place['name']}: {place['url']}" for place in setting.templates.theme().get("social", ())]
    site = [newsletter.site_url] if newsletter.site_url else []
    frame = Frame(
        top=(f"{words['view']}: {issue.url}",) if issue.url else (),
        bottom=(why, *leave, *places, ", ".join(sender), *site),
        notes=words["notes"],
        contents=words["contents"] if len(issue.sections) >= CONTENTS_FROM else "",
        labels=words,
    )
    return _placed_text(plaintext(issue, frame), setting.slots)


def _placed_text(text: str, slots: Slots) -> str:
    """Marks inside an address of the text part stand in a URL, all others in plain text."""
    words = [slots.placed_address(word) if "://" in word or word.startswith("mailto:") else word for word in re.split(r"(\s+)", text)]
    return slots.placed("".join(words), Context.PLAIN)


def _digest(edition: Edition) -> str:
    fields = [[slot.mark, slot.name, slot.context.value, slot.default] for slot in edition.fields]
    attachments = [[asset.mark, asset.name, asset.media_type, asset.sha256] for asset in edition.attachments]
    head = [edition.from_, edition.reply_to, edition.subject, edition.preheader]
    result = json.dumps([*head, edition.html, edition.text, fields, attachments], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(result.encode("utf-8", "surrogatepass")).hexdigest()


def _findings(setting: _Setting, html: str) -> tuple[Finding, ...]:
    """What there is to say of a letter whose holes are marked; so far its slots are those of the HTML."""
    found = list(setting.templates.theme_findings())
    where, name = Where(setting.templates.place_of(f"{setting.template}.mjml")), setting.template
    if setting.from_ == NO_SENDER:
        found.append(warning("no-sender", Where(FILE_NAME), "the newsletter has no sender", 'Set from = "Name <address>" in [newsletter].'))
    if not any(slot.name == "unsubscribe_url" and slot.mark in html for slot in setting.slots.all):
        hint = 'Include "partials/footer.mjml", or make {{ field("unsubscribe_url") }} the address of a link.'
        found.append(error("no-unsubscribe-link", where, f"a letter set in {name!r} has no link to unsubscribe", hint))
    address = setting.project.config.newsletter.postal_address.strip().partition("\n")[0]
    if " ".join(address.split()) not in " ".join(unescape(html).split()):
        hint = 'Include "partials/footer.mjml", or write {{ newsletter.postal_address }}.'
        found.append(warning("no-postal-address-in-letter", where, f"a letter set in {name!r} does not name the postal address", hint))
    return tuple(found)
