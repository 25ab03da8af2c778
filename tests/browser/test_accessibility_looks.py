"""What the accessibility check computes is what a real browser shows: ink, ground and size of every piece of text, in every view."""

import json
import re

import pytest

from composer.checks.accessibility.cascade import Cascade
from composer.checks.accessibility.contrast import hexadecimal
from composer.checks.accessibility.sheets import DARK, LIGHT, OUTLOOK, PHONE
from composer.checks.page import page_of

SAMPLES = ("2026-01", "showcase", "inside-open-infrastructure-january-2026", "made")
# What the templates do not use and others do: inheritance, order, weight, transparency, old attributes, usual sizes, shorthands.
MADE = """<!DOCTYPE html><html lang="en" dir="ltr"><head><title>x</title><meta name="color-scheme" content="light dark">
<style>
.a { color: #123456 } p.a { color: #345612 } #only { color: #561234 !important }
.b, .c > p { background-color: rgba(255, 0, 0, .5) } .c p { color: rgb(0 0 255 / 50%) }
.d { font: bold 20px/1.2 Arial } .d em { font-size: 50% } .e span { font-size: 1.5em; font-weight: 400 }
.f { background: #222222 url(nowhere.png) } .g { background: none } [title=here] { color: teal } [title^=the] { color: olive }
.h:hover { color: red } .j { color: notacolour; color: #abcdef } .k { color: #111111 } .k { color: #eeeeee }
@media print { body { color: red } }
@media (prefers-color-scheme: dark) { .a { color: #fedcba } .l { background: #333333 !important; color: #cccccc !important } }
@media (max-width: 480px) { .m { font-size: 30px !important } }
@supports (display: grid) { .a { letter-spacing: 1px } }
[data-ogsc] .n { color: #aabbcc !important } [data-ogsb] .n { background-color: #010203 !important }
</style></head>
<body style="background-color:#fafafa;color:#202020">
<p class="a">one</p><p class="a" id="only">two</p><p class="a" style="color:#990000">three</p><p style="color:#880000 !important" id="only">four</p>
<div class="b">five <div class="b">six</div></div><div class="c"><p>seven</p><div><p>eight</p></div></div>
<div class="d">nine <em>ten</em></div><div class="e">eleven <span>twelve</span></div>
<table bgcolor="#00ff00" role="presentation"><tbody><tr><td>thirteen</td><td bgcolor="navy"><font color="white">fourteen</font></td></tr></tbody></table>
<p title="here">fifteen</p><p title="there">sixteen</p><p class="h">seventeen</p><p>eighteen</p>
<p class="j">nineteen</p><p class="k">twenty</p><div class="l">twenty-one <a href="https://example.org/">link</a></div>
<p class="m">twenty-two</p><div class="n">twenty-three <b>bold</b></div>
<h1>h1</h1><h2>h2 <small>small</small></h2><h3>h3</h3><h4>h4</h4><h5>h5</h5><h6>h6</h6><mark>marked</mark><sup>up</sup>
<div class="g">twenty-four</div><p style="font-size:large">large</p><p style="font-size:12pt">points <span style="font-size:smaller">less</span></p>
</body></html>"""

SEEN = """
() => {
  const own = (element) => [...element.childNodes].some((child) => child.nodeType === 3 && /[\\p{L}\\p{N}]/u.test(child.data));
  return JSON.stringify([...document.querySelectorAll('*')].map((element) => {
    const style = getComputedStyle(element), grounds = [];
    for (let at = element; at; at = at.parentElement) {
      const fill = getComputedStyle(at);
      grounds.push([fill.backgroundColor, fill.backgroundImage]);
    }
    return [element.localName, own(element), style.color, grounds, parseFloat(style.fontSize), parseInt(style.fontWeight) >= 700, element.textContent.trim().slice(0, 30)];
  }));
}
"""
NUMBER = re.compile(r"[\d.]+")


def blended(text, ground):
    """Lay a colour as the browser writes it over another."""
    parts = [float(each) for each in NUMBER.findall(text)]
    alpha = parts[3] if len(parts) > 3 else 1.0
    return tuple(alpha * part / 255 + (1 - alpha) * below for part, below in zip(parts[:3], ground, strict=True))


def shown_colours(ink, grounds, canvas):
    """Ink and ground as they meet the eye; None for a ground that is an image."""
    ground = canvas
    for fill, image in reversed(grounds):
        ground = None if image != "none" and ground is not None else ground
        parts = [float(each) for each in NUMBER.findall(fill)]
        if len(parts) < 4 or parts[3]:
            ground = blended(fill, ground or (0, 0, 0))
    return None if ground is None else (hexadecimal(blended(ink, ground)), hexadecimal(ground))


@pytest.mark.parametrize("view", [LIGHT, DARK, OUTLOOK, PHONE], ids=lambda view: view.name)
@pytest.mark.parametrize("name", SAMPLES)
def test_looks_are_those_of_a_browser(letters, pages, name, view):
    """A contrast is only worth what the colours are worth that it is computed from."""
    html = MADE if name == "made" else letters(name)
    page = pages["dark" if view.dark else "light"]
    page.set_viewport_size({"width": view.width, "height": 900})
    page.set_content(html, wait_until="load")
    if view.outlook:
        page.evaluate(
            "() => { document.documentElement.setAttribute('data-ogsc', ''); document.documentElement.setAttribute('data-ogsb', '') }"
        )
    seen = json.loads(page.evaluate(SEEN))
    tree = page_of(html, "x.md")
    cascade = Cascade(tree)
    # A browser adds the tbody that nobody wrote.
    nodes, seen = [node for node in tree.nodes if node.tag != "tbody"], [each for each in seen if each[0] != "tbody"]
    assert [node.tag for node in nodes] == [tag for tag, *_ in seen]
    written, wrong = set(cascade.written), []
    canvas = (0x12 / 255,) * 3 if view.dark else (1.0, 1.0, 1.0)
    compared = 0
    for node, (_, own, ink, grounds, size, bold, text) in zip(nodes, seen, strict=True):
        look = cascade.look(node, view)
        if look.hidden or not own:
            continue
        assert node in written
        compared += 1
        colours = None if look.ground is None else (hexadecimal(look.seen), hexadecimal(look.ground))
        theirs = shown_colours(ink, grounds, canvas)
        if (colours, round(look.size, 1), look.bold) != (theirs, round(size, 1), bold):
            wrong.append(f"{node!r} {text!r}: {colours} {look.size:.1f} {look.bold}, in the browser {theirs} {size:.1f} {bold}")
    assert compared > 30
    assert not wrong, "\n".join(wrong[:20])
