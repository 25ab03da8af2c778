"""What stands in a frame: a letter in one of its views, as a document without any script, and what such a document may load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from composer.audience.select import is_public
from composer.message.build import image_urls
from composer.web.preview.merging import marked_text, merged_html
from composer.web.preview.mime import mime_page
from composer.web.preview.people import Guise, values_of
from composer.web.preview.rendering import Rendering
from composer.web.preview.schemes import dark, forced_dark, light, without_styles
from composer.web.preview.source import page, source_page, text_page

_Draw = Callable[[Rendering, Guise], str]


def frame(view: str, rendering: Rendering, guise: Guise) -> str:
    """Return a view's document. Raises KeyError for a view that there is not."""
    return VIEWS[view](rendering, guise)


def policy(view: str, *, remote: bool) -> str:
    """Return the Content-Security-Policy of a view: no script, nothing from elsewhere but images, when those are wanted."""
    sources = "'none'" if view == "no-images" else "'self' data: http: https:" if remote else "'self' data:"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin"
    )


def broken_page(message: str) -> str:
    """Return what stands in a frame while there is nothing good to show yet."""
    return page("Nothing to show", f"<p>{escape(message)}</p>")


def image_path(stem: str, sha256: str) -> str:
    """Return the address of a local image."""
    return f"/issues/{quote(stem, safe='')}/images/{sha256}"


def _mail(rendering: Rendering, guise: Guise) -> str:
    edition = rendering.edition
    return _with_images(merged_html(edition, rendering.lined(), values_of(guise.person)), rendering)


def _with_images(html: str, rendering: Rendering) -> str:
    for asset in rendering.edition.attachments:
        html = html.replace(asset.mark, image_path(rendering.edition.stem, asset.sha256))
    return html


def _changed(change: Callable[[str], str]) -> _Draw:
    return lambda rendering, guise: change(_mail(rendering, guise))


def _text(rendering: Rendering, guise: Guise) -> str:
    return text_page("Plain text", marked_text(rendering.edition, rendering.edition.text, values_of(guise.person)))


def _html(rendering: Rendering, guise: Guise) -> str:
    edition = rendering.edition
    return source_page("HTML", _as_sent(merged_html(edition, edition.html, values_of(guise.person)), rendering))


def _mjml(rendering: Rendering, _guise: Guise) -> str:
    return source_page("MJML", _as_sent(rendering.edition.mjml, rendering))


def _as_sent(source: str, rendering: Rendering) -> str:
    """Put in the addresses that images have in a message."""
    config = rendering.project.config
    hosted = bool(config.images.url) and is_public(rendering.settings)
    for mark, url in image_urls(rendering.edition, config, hosted=hosted).items():
        source = source.replace(mark, escape(url))
    return source


def _web(rendering: Rendering, _guise: Guise) -> str:
    return light(_with_images(rendering.web(), rendering))


VIEWS: Mapping[str, _Draw] = {
    "mail": _mail,
    "light": _changed(light),
    "dark": _changed(dark),
    "forced-dark": _changed(forced_dark),
    "no-images": _changed(light),
    "no-style": _changed(without_styles),
    "text": _text,
    "html": _html,
    "mjml": _mjml,
    "mime": mime_page,
    "web": _web,
}
