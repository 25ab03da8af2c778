"""SpamAssassin's rules that a newsletter commonly meets, in plain words. Data.

Source: the rules that come with SpamAssassin 4.0.1 (/usr/share/spamassassin, read 2026-11), each looked up by name.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """What a rule means, as the end of a sentence, and how to mend it."""

    meaning: str
    hint: str


_MORE_TEXT = "Write more of it as text, or show fewer and smaller images."
_FREE_MAILBOX = "Send from a domain of your own, and let answers go to it too."
_SHOUTING = "Write it as you would to a friend."
_MONEY = "Nothing, when it is true; name the sum in fewer places."
_HIDDEN = "Take hidden and barely visible text out of the template."
_PLAIN_LINK = "Link to the place itself."

# A name that ends in _ stands for all rules that begin so.
RULES: dict[str, Words] = {
    "ACT_NOW_CAPS": Words("it urges the reader in capitals to act now", _SHOUTING),
    "BASE64_LENGTH_": Words("a part is encoded in lines that are too long", "Ask who handles the mail on its way."),
    "BAYES_": Words(
        "this machine's SpamAssassin has learned that words like these are spam", "Nothing; other machines have learned other things."
    ),
    "DATE_IN_FUTURE_": Words("its date lies in the future", "Look at this machine's clock."),
    "DATE_IN_PAST_": Words("its date lies in the past", "Look at this machine's clock."),
    "DEAR_FRIEND": Words("it begins with `Dear friend`", "Greet people by name, or by what they are: dear members."),
    "DEAR_SOMETHING": Words("it begins with `Dear` and a phrase that bulk mail uses", "Greet people by name, or leave the greeting out."),
    "FREEMAIL_FROM": Words("the sender is at a provider of free mailboxes", _FREE_MAILBOX),
    "FREEMAIL_FORGED_REPLYTO": Words("answers go to a free mailbox, and the sender is elsewhere", _FREE_MAILBOX),
    "FREEMAIL_REPLY": Words("sender and text name different free mailboxes", _FREE_MAILBOX),
    "FREEMAIL_REPLYTO": Words("answers go to another free mailbox than the sender's", _FREE_MAILBOX),
    "FREE_QUOTE_INSTANT": Words("it offers something free and without obligation", _SHOUTING),
    "FROM_EXCESS_BASE64": Words("the sender's name is encoded without need", "Write `from` in plain letters."),
    "FROM_NO_USER": Words("the sender has nothing before its @", "Set `from` to a whole address."),
    "FROM_SUSPICIOUS_NTLD": Words("the sender's domain ends in a name that spammers like", "Nothing, when it is yours."),
    "GAPPY_SUBJECT": Words("the subject has l.e.t.t.e.r.s set apart", _SHOUTING),
    "HTML_FONT_LOW_CONTRAST": Words("some text has nearly the colour of what it stands on", _HIDDEN),
    "HTML_FONT_SIZE_HUGE": Words("some text is huge", "Set it smaller."),
    "HTML_FONT_SIZE_LARGE": Words("some text is very large", "Set it smaller."),
    "HTML_FONT_TINY_": Words("some text is too small to read", _HIDDEN),
    "HTML_IFRAME_SRC": Words("it has a frame that loads a page", "Link to the page."),
    "HTML_IMAGE_ONLY_": Words("it is images with hardly any text", _MORE_TEXT),
    "HTML_IMAGE_RATIO_": Words("its images take more room than its text", _MORE_TEXT),
    "HTML_OBFUSCATE_": Words("words are broken up by tags, as if to hide them", "Let emphasis begin and end with a word."),
    "HTML_SHORT_LINK_IMG_": Words("it is little more than a linked image", _MORE_TEXT),
    "HTML_TAG_BALANCE_": Words("its HTML has tags that are not closed", "Look at the raw HTML in the issue, or the template."),
    "HTML_TEXT_INVISIBLE_": Words("some of its text cannot be seen", _HIDDEN),
    "HTTPS_HTTP_MISMATCH": Words("a link shows one address and leads to another", "Write words, or the address it leads to."),
    "HTTPS_IP_MISMATCH": Words("a link shows an address and leads to a bare number", _PLAIN_LINK),
    "KHOP_UNSUB_EMAIL": Words("one can leave by mail alone, not by a link", 'Set `via` under [unsubscribe] to "service" or "sendgrid".'),
    "LONGWORDS": Words("it has a run of very long words", "Look for text that was pasted without its spaces."),
    "LOTS_OF_MONEY": Words("it speaks of large sums of money", _MONEY),
    "MIME_HTML_MOSTLY": Words(
        "its text part is far shorter than its HTML",
        "Look at email.txt in the build; a template of your own may hold what the issue does not.",
    ),
    "MIME_HTML_ONLY": Words("it has no text part", "Ask who handles the mail on its way: this program always writes one."),
    "MISSING_DATE": Words("it has no date", "Ask who handles the mail on its way."),
    "MISSING_SUBJECT": Words("it has no subject", "Write `subject` in the front matter."),
    "MONEY_": Words("it speaks of large sums of money, among other signs", _MONEY),
    "MPART_ALT_DIFF": Words("text part and HTML say different things", "See the findings on what is missing from the text part."),
    "MSGID_": Words("its Message-ID is unusual", "Nothing; look at the domain of `from`."),
    "NORMAL_HTTP_TO_IP": Words("a link leads to a bare number instead of a name", _PLAIN_LINK),
    "NUMERIC_HTTP_ADDR": Words("a link leads to a number instead of a name", _PLAIN_LINK),
    "PLING_QUERY": Words("the subject has both ! and ?", _SHOUTING),
    "REMOVE_BEFORE_LINK": Words("it says `remove` right before a link", "Say unsubscribe in the footer alone."),
    "SUBJ_ALL_CAPS": Words("the subject is all in capitals", _SHOUTING),
    "SUBJ_AS_SEEN": Words("the subject says `as seen`", _SHOUTING),
    "SUBJ_ATTENTION": Words("the subject says ATTENTION", _SHOUTING),
    "SUBJ_BUY": Words("the subject begins with `buy`", _SHOUTING),
    "SUBJ_DOLLARS": Words("the subject begins with a sum in dollars", _SHOUTING),
    "SUBJ_ILLEGAL_CHARS": Words("the subject has characters that were not encoded", "Ask who handles the mail on its way."),
    "TO_EQ_FM_": Words("sender and reader are at the same domain", "Nothing; it is so for the made-up reader of this check alone."),
    "TVD_SPACE_RATIO": Words("it has unusually few or many spaces", "Look for text that was pasted in columns."),
    "T_REMOTE_IMAGE": Words("it has images that are loaded from a server", "Nothing; it is so with most newsletters."),
    "UNSUB_GOOG_FORM": Words("readers leave by a form of Google's", "Use the link that this program makes."),
    "UPPERCASE_50_75": Words("more than half of it is in capitals", _SHOUTING),
    "UPPERCASE_75_100": Words("nearly all of it is in capitals", _SHOUTING),
    "URG_BIZ": Words("it speaks of an urgent matter", _SHOUTING),
    "URI_DATA": Words("it links to data instead of a page", "Put the image or page onto your site."),
    "URI_HEX": Words("a link's domain has a long run of digits and letters", _PLAIN_LINK),
    "URI_IMG_WP_REDIR": Words("an image comes through WordPress's proxy", "Use the image's own address."),
    "URI_NOVOWEL": Words("a link's domain is a long word without vowels", "Nothing, when it is right."),
    "URI_PHISH": Words("a link looks like one to a forged form", "Link to a page of your own that leads to the form."),
    "URI_PHP_REDIR": Words("a link goes through another site", _PLAIN_LINK),
    "URI_TRUNCATED": Words("a link is too long to be read to its end", _PLAIN_LINK),
    "URI_UNSUBSCRIBE": Words("a link to unsubscribe looks as spammers write it", "Use the link that this program makes."),
    "URI_WPADMIN": Words("a link leads into the administration of a WordPress site", "Link to the page that readers see."),
    "URL_SHORTENER_": Words("a link goes through a shortener, which hides where it leads", _PLAIN_LINK),
    "WEIRD_PORT": Words("a link names an unusual port", "Link to the site's usual address."),
    "WEIRD_QUOTING": Words("it has rows of quotation marks", "Look for what was pasted from elsewhere."),
}


def explain(rule: str) -> Words | None:
    """Return what a rule means, or None when this table does not know it."""
    if rule in RULES:
        return RULES[rule]
    families = [name for name in RULES if name.endswith("_") and rule.startswith(name)]
    return RULES[max(families, key=len)] if families else None
