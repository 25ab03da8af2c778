"""Addresses as people type and paste them."""

import pytest

from composer.audience.address import Address, Problem, parse_address


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("jane@example.org", "jane@example.org", "jane@example.org"),
        ("Jane.Doe+News@Example.ORG", "Jane.Doe+News@example.org", "jane.doe+news@example.org"),
        ("  jane@example.org\t", "jane@example.org", "jane@example.org"),
        ("\u00a0jane@example.org\u200b\ufeff", "jane@example.org", "jane@example.org"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane@BÜCHER.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane@stra\u00dfe.example", "jane@xn--strae-oqa.example", "jane@xn--strae-oqa.example"),
        ("J\u00dcRGEN@example.org", "J\u00dcRGEN@example.org", "j\u00fcrgen@example.org"),
        ("ju\u0308rgen@example.org", "j\u00fcrgen@example.org", "j\u00fcrgen@example.org"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk", "o'neil@example.co.uk"),
    ],
)
def test_spellings_of_one_address_meet(text, email, key):
    """Whoever is on a list in two spellings must be one person, or they are mailed twice."""
    assert parse_address(text) == Address(email, key)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"Jane Doe" <jane@example.org>', "Jane Doe"),
        ('"Doe, Jane" <jane@example.org>', "Doe, Jane"),
        ("J. Doe <jane@example.org>", "J. Doe"),
        ("'Jane' <jane@example.org>", "Jane"),
        (r'"Jane \"JJ\" Doe" <jane@example.org>', 'Jane "JJ" Doe'),
        ("Zoë 🎉\u00a0< jane@example.org >", "Zoë 🎉"),
        ('"Jane <J>" <jane@example.org>', "Jane <J>"),
        ("<jane@example.org>", ""),
        ("Jane@example.org <jane@example.org>", ""),
    ],
)
def test_a_name_before_the_address_is_kept(text, name):
    """Mail programs copy addresses with the name; the name is worth having and the form is no mistake."""
    assert parse_address(text) == Address("jane@example.org", "jane@example.org", name)


@pytest.mark.parametrize(
    "text",
    [
        "", " \u00a0\u200b", "jane", "jane@", "@example.org", "jane@example", "jane@@example.org", "jane@exa mple.org", "ja ne@example.org",
        "jane@example..org", "jane.@example.org", ".jane@example.org", "jane@-example.org", "jane@example.org.", "jane@example.org,",
        "jane@example.org, joe@example.org", "jane@example.org;joe@example.org", "jane@[127.0.0.1]", '"ja ne"@example.org', "jane@example.test",
        "jane@localhost", "jane@printer.local", "jane@example.123", "jane@example.org\r\nBcc: joe@example.org", "jane\n@example.org",
        "jane@example.org\x00", "ja\u200bne@example.org", "ja\u202ene@example.org", "jane\u2028@example.org", "\ud800@example.org",
        "Jane <jane@example.org> <joe@example.org>", "Jane <jane@example.org", "Jane <>", "Jane\r\nBcc: x <jane@example.org>",
        "jane＠example.org", "mailto:jane@example.org", f"{'a' * 250}@example.org", f"jane@{'a' * 64}.org", "jane@ex--ample.org", "x" * 2_000_000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_a_problem_with_words(text):
    """A bad row is reported to the editor in a sentence; it never raises and never becomes a header."""
    problem = parse_address(text)
    assert isinstance(problem, Problem)
    assert problem.message
    assert problem.hint
    assert not problem.message.endswith(".")


def test_a_problem_says_what_to_do_about_two_addresses():
    """The commonest mistake in an address column deserves its own advice."""
    problem = parse_address("jane@example.org, joe@example.org")
    assert isinstance(problem, Problem)
    assert "own row" in problem.hint
