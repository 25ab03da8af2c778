"""What links say: words that mean nothing on their own, the same words for different places, an address that is not the one meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from composer.checks.content import hosts
from composer.checks.content.passages import OTHER, Use, Words
from composer.checks.letter import Letter
from composer.findings import Finding, error, info, warning


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in re.split(r"[;\n]", text) if phrase.strip())


# WCAG 2.4.4: a link's purpose is told by its words, or by them with their sentence, list item or cell. Screen readers list links alone.
_POINTING = _phrases(
    """
    here;click here;click;click this;this link;link;this;see here;go here;tap here;right here;over here;here's the link;this page
    hier;hier klicken;klicken sie hier;klick hier;klicke hier;dieser link;klik hier;deze link
    ici;cliquez ici;cliquer ici;clique ici;ce lien;aquí;haz clic aquí;haga clic aquí;clic aquí;pulsa aquí;este enlace
    qui;clicca qui;questo link;aqui;clique aqui;este link;här;klicka här;her;klik her;tutaj;kliknij tutaj;zde
    こちら;ここ;这里;點擊這裡;点击这里;여기
    """
)
_MORE = _phrases(
    """
    more;read more;learn more;find out more;see more;view more;show more;more info;more information;more details;details;discover more
    read on;continue reading;keep reading;read it;learn more here;read more here;find out more here;read the rest;info
    mehr;mehr erfahren;weiterlesen;mehr lesen;mehr dazu;mehr infos;mehr informationen;lees meer;lees verder;meer;meer informatie
    lire la suite;en savoir plus;plus d'infos;plus d'informations;voir plus;leer más;más información;ver más;saber más;más
    leggi di più;leggi tutto;scopri di più;continua a leggere;leia mais;saiba mais;ver mais;läs mer;læs mere;czytaj więcej
    続きを読む;もっと見る;阅读更多;了解更多;더 보기
    """
)
_WORD_EDGE = " \t\n\u00a0.,:;!…»›>→➜➔➡-–—()[]"  # noqa: RUF001 - as editors type them
_ADDRESS = re.compile(
    r"(?P<scheme>https?://)?(?P<www>www\.)?(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}(?P<last>[a-z]{2,24}))(?P<port>:\d{2,5})?(?P<path>[/?#]\S{0,2000})?"
)
_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{3,255}")
# Names that end like a domain are often those of programs (Node.js, ASP.NET): without more, only these ends count, in small letters.
_ENDS = frozenset(
    "com org net io dev edu gov eu de fr uk us ch at nl be it es pt se no dk fi pl cz jp cn in br au ca info app cloud".split()
)


def check_link_texts(words: Words, letter: Letter) -> Iterator[Finding]:
    """Judge the words of every link."""
    del letter
    first: dict[str, Use] = {}
    for link in words.links:
        said = link.text.casefold().strip(_WORD_EDGE).replace("\u2019", "'")
        vague = _vague(link, said, words)
        if vague:
            yield vague
        elif (differs := _differs(link, words)) is not None:
            yield differs
        elif link.kind in {"text", "button"} and said and OTHER not in said:
            before = first.setdefault(said, link)
            if _place(before.href) != _place(link.href):
                message = f"{link.name} leads somewhere else on line {before.line}; heard one by one, the two are the same"
                yield info("link-text-same", words.of(link), message, "Say in the words of each where it leads.")


def _vague(link: Use, said: str, words: Words) -> Finding | None:
    if link.kind not in {"text", "button"}:
        return None
    if said in _POINTING:
        message = f"the link {link.name} does not say where it leads"
        return warning(
            "link-text-vague", words.of(link), message, "Link the words that name it: read [the report](…), not read it [here](…)."
        )
    if said in _MORE:
        hint = "Name what there is more of: [Learn more about the summit](…)."
        if link.alone:
            return warning("link-text-vague", words.of(link), f"the link {link.name} does not say of what", hint)
        message = f"the link {link.name} says of what only with the words around it"
        return info("link-text-vague", words.of(link), message, hint)
    return None


def _place(href: str) -> str:
    """An address without what makes no difference: scheme, www, a slash at the end, the case of the host."""
    bare = re.sub(r"^https?://(?:www\.)?", "", href, flags=re.IGNORECASE)
    host, slash, rest = bare.partition("/")
    return f"{host.lower()}{slash}{rest}".rstrip("/")


def _differs(link: Use, words: Words) -> Finding | None:
    """The finding for a text that is itself an address, and not that of the link."""
    text, href = link.text.strip().strip("<>()"), link.href
    if link.kind != "text" or OTHER in text or OTHER in href or href.startswith("#"):
        return None
    if _MAIL.fullmatch(text):
        return _mail_differs(text, link, words)
    match = _ADDRESS.fullmatch(text) or _ADDRESS.fullmatch(text.lower())
    if match is None or href[:4].lower() != "http" or hosts.known(href):
        return None
    sure = bool(match["scheme"] or match["www"])
    if not sure and (match["last"] not in _ENDS or text != text.lower()):
        return None
    there = _place(href)
    host, _, path = there.partition("/")
    host = host.partition("?")[0].partition("#")[0].partition(":")[0]
    if not _same_site(match["host"], host):
        if not sure and text in there:
            return None
        return _other_site(link, host, words, sure=sure)
    shown = unquote((match["path"] or "").strip("/").rstrip("….")).lower()
    if shown and not unquote(path).lower().startswith(shown.split("?")[0].split("#")[0].rstrip("/")):
        message = f"the link shows {text[:80]}, and leads to {href[:90]}"
        return warning("link-text-address", words.of(link), message, "Let the two be the same, or put words in place of the address.")
    return None


def _other_site(link: Use, host: str, words: Words, *, sure: bool) -> Finding:
    message = f"the link shows {link.text[:80]}, and leads to {host[:80]}; mail programs warn of such links as of fraud"
    hint = "Let the two be the same, or put words in place of the address."
    if sure:
        return error("link-text-address", words.of(link), message, hint)
    return warning("link-text-address", words.of(link), message, hint)


def _same_site(shown: str, host: str) -> bool:
    shown, host = shown.lower().removeprefix("www."), host.lower()
    return shown == host or host.endswith(f".{shown}") or shown.endswith(f".{host}")


def _mail_differs(text: str, link: Use, words: Words) -> Finding | None:
    href = link.href
    if href[:7].lower() != "mailto:":
        return None
    there = unquote(href[7:].partition("?")[0]).strip(" .")
    if there.casefold() == text.casefold().removeprefix("mailto:").strip(" ."):
        return None
    message = f"the link shows {text[:80]}, and writes to {there[:80]}"
    return error("link-text-address", words.of(link), message, "Let the two be the same.")
