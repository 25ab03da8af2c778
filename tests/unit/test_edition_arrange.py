"""Blocks grouped into what a template sets."""

from composer.edition.arrange import pieces, section_view
from composer.edition.layout import (
    ButtonPiece,
    CalloutPiece,
    ColumnsPiece,
    DividerPiece,
    EventRow,
    EventsPiece,
    ImagePiece,
    LinksPiece,
    Prose,
    QuotePiece,
)
from composer.issue.model import (
    Button,
    Callout,
    Columns,
    Divider,
    Event,
    Events,
    Figure,
    Image,
    Link,
    LinkRow,
    Paragraph,
    Quote,
    Section,
    Span,
    Text,
)


def words(text):
    """Make inlines of a text."""
    return (Text(text),)


P = Paragraph(words("a & b"))


def test_running_text_is_one_piece():
    """An MJML element a paragraph would double the weight of a letter."""
    found = pieces((P, Quote((P,)), P, Button("Go <", "https://example.org/?a&b"), P))
    assert [piece.kind for piece in found] == ["prose", "button", "prose"]
    assert found[0].html.count("<p") == 3
    assert pieces(()) == ()


def test_every_kind_of_piece():
    """Each is ready to print: what needs escaping is escaped once."""
    found = pieces(
        (
            Button("A & <b>", "https://example.org/?a&b", secondary=True),
            Figure(Image("i&", 'a "b"', "t <", width=300), "h&", words("c & d")),
            Events((Event(words("4 May"), (words("a & b"), words("c"))),)),
            LinkRow((Link("h", words("a")), Link("i", words("&")))),
            Callout((P,), "tip", "T & t"),
            Quote((P,), words("R & M")),
            Divider(),
        )
    )
    assert found == (
        ButtonPiece("A &amp; &lt;b&gt;", "https://example.org/?a&amp;b", secondary=True),
        ImagePiece("i&amp;", "a &#34;b&#34;", 300, "h&amp;", "c &amp; d", "t &lt;"),
        EventsPiece((EventRow("4 May", ("a &amp; b", "c")),)),
        LinksPiece(('<a class="a" href="h">a</a>', '<a class="a" href="i">&amp;</a>')),
        CalloutPiece("tip", "T &amp; t", '<p class="p">a &amp; b</p>'),
        QuotePiece('<p class="p">a &amp; b</p>', "R &amp; M"),
        DividerPiece(),
    )


def test_columns_hold_pieces_and_their_images_fit():
    """Two columns share 520 px less the gutter."""
    image = Figure(Image("x", width=400))
    (piece,) = pieces((Columns(((P, image), (Button("b", "h"), image))),))
    assert isinstance(piece, ColumnsPiece)
    assert [[inner.kind for inner in column] for column in piece.columns] == [["prose", "image"], ["button", "image"]]
    assert piece.columns[0][1].width == 0  # the whole column, for 400 px are more than there are
    assert pieces((Figure(Image("x", width=400)),))[0].width == 400


def test_a_quotation_without_a_name_is_running_text():
    """Only a pulled quotation is set large."""
    assert isinstance(pieces((Quote((P,)),))[0], Prose)


def test_a_known_section_gets_accent_and_chip():
    """By its name alone, whatever its spelling, emphasis or spaces."""
    known = {"kata containers": ("kata", "KC")}
    section = Section(
        (Span("em", words("KATA ")), Text(" Containers")), words("Fast & safe"), "kata-containers", (P,), 3, 9, "https://example.org/?a&b"
    )
    view = section_view(section, known)
    assert (view.name, view.accent, view.chip) == ("KATA Containers", "kata", "KC")
    assert (view.title, view.tagline, view.href) == ("<em>KATA </em> Containers", "Fast &amp; safe", "https://example.org/?a&amp;b")
    assert (view.slug, len(view.pieces)) == ("kata-containers", 1)


def test_another_section_has_neither():
    """It is set without a tile."""
    view = section_view(Section(words("Garden"), (), "garden", (), 1, 2), {"kata": ("kata", "KC")})
    assert (view.accent, view.chip, view.tagline, view.href, view.pieces) == ("", "", "", "", ())
