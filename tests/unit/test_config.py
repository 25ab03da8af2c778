"""The configuration: defaults that work, overrides, and every mistake at its line."""

from __future__ import annotations

import pytest

from composer import config
from composer.config import Config
from composer.errors import ConfigError


def read(tmp_path, text="", environ=None, dotenv=None):
    """Read a configuration from texts."""
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
    return config.load(tmp_path, environ or {})


def refused(tmp_path, text="", environ=None, dotenv=None):
    """Give the error of a configuration that must be refused."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environ, dotenv)
    return caught.value


def test_nothing_set_is_a_configuration_that_works(tmp_path):
    """Promise 5: it works on one machine with nothing else."""
    assert config.load(tmp_path, {}) == Config()
    assert Config().delivery.transport == "outbox"


def test_the_environment_overrides_dotenv_and_dotenv_the_file(tmp_path):
    """A server is set up without touching the shared file."""
    text = '[newsletter]\nname = "file"\nlanguage = "fr"\nsite_url = "https://a.example"\n'
    dotenv = "NEWSLETTER_NEWSLETTER_NAME=dotenv\nNEWSLETTER_NEWSLETTER_LANGUAGE='de'\n"
    found = read(tmp_path, text, {"NEWSLETTER_NEWSLETTER_NAME": "environment", "NEWSLETTER_DELIVERY_BATCH": "7"}, dotenv)
    assert (found.newsletter.name, found.newsletter.language, found.delivery.batch) == ("environment", "de", 7)
    assert found.newsletter.site_url == "https://a.example"


def test_secrets_come_from_the_environment_and_never_show(tmp_path):
    """A configuration in a traceback or a log must not hand out the key."""
    found = read(tmp_path, "", {}, "NEWSLETTER_SECRET_KEYS=new, old\n")
    assert found.secret_keys == ("new", "old")
    assert "old" not in repr(found)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("[newsletter]\nname = 3\n", "newsletter.toml:2", "name must be text in quotes, not 3"),
        ("[newsletter]\n\nnmae = 'x'\n", "newsletter.toml:3", "unknown key: nmae"),
        ("[nwsletter]\n", "newsletter.toml:1", "unknown key: nwsletter"),
        ("name =\n", "newsletter.toml:1", "not valid TOML"),
        ("newsletter = 3\n", "newsletter.toml:1", "newsletter is a table"),
        ("[delivery]\ntransport = 'pigeon'\n", "newsletter.toml:2", "transport cannot be 'pigeon'"),
        ("[delivery]\nbatch = 0\n", "newsletter.toml:2", "batch cannot be 0"),
        ("[delivery]\nbatch = -5\n", "newsletter.toml:2", "batch cannot be -5"),
        ("[delivery]\nbatch = true\n", "newsletter.toml:2", "batch must be a whole number"),
        ("[newsletter]\nsite_url = 'www.x.org'\n", "newsletter.toml:2", "site_url cannot be"),
        ("[images]\nurl = 'not a url'\n", "newsletter.toml:2", "url cannot be"),
        ("[newsletter]\nlanguage = 'deutsch!'\n", "newsletter.toml:2", "language cannot be"),
        ("[newsletter]\nfrom = 'nobody'\n", "newsletter.toml:2", "from cannot be"),
        ("[newsletter]\nreply_to = 'a@b.example, c@d.example'\n", "newsletter.toml:2", "reply_to cannot be"),
        ("[unsubscribe]\naddress = 'nope'\n", "newsletter.toml:2", "address cannot be"),
        ("[transport.smtp]\nhost = 'h'\npassword = 'x'\n", "newsletter.toml:3", "a secret does not belong in the file: password"),
        ("[public]\nsecret_keys = 'x'\n", "newsletter.toml:2", "a secret does not belong in the file"),
    ],
)
def test_mistakes_are_named_at_their_line(tmp_path, text, where, words):
    """Promise 4, for the operator."""
    error = refused(tmp_path, text)
    assert str(error.where) == where
    assert words in error.message


@pytest.mark.parametrize("sender", ["a@example.org", "Name <a@example.org>", '"Name, Inc." <a@example.org>', "Zoë <zoe@exämple.org>", ""])
def test_senders_that_are_right(tmp_path, sender):
    """What people write as a sender is taken."""
    assert read(tmp_path, f"[newsletter]\nfrom = '{sender}'\n").newsletter.from_ == sender


def test_a_wrong_value_of_the_environment_is_named_by_its_variable(tmp_path):
    """The file is not where to look then."""
    error = refused(tmp_path, "", {"NEWSLETTER_DELIVERY_BATCH": "many"})
    assert str(error.where) == "NEWSLETTER_DELIVERY_BATCH"


def test_a_misspelt_variable_is_not_ignored(tmp_path):
    """Like a misspelt key in the file; variables that are none of ours are nobody's business."""
    assert "NEWSLETTER_NEWSLETTER_NAME" in refused(tmp_path, "", {"NEWSLETTER_NEWSLETTER_NAEM": "x"}).hint
    assert read(tmp_path, "", {"NEWSLETTER_OF_MY_OWN": "x"}) == Config()


@pytest.mark.parametrize(
    ("name", "data"), [("newsletter.toml", "[newsletter]\nname = 'Z\xfcrich'".encode("cp1252")), (".env", b"A=1\nB=\xff\xfe")]
)
def test_a_file_that_is_not_utf8_is_named(tmp_path, name, data):
    """Notepad saves an umlaut so; the answer is not a traceback."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match="not text in UTF-8") as caught:
        config.load(tmp_path, {})
    assert str(caught.value.where) == f"{name}:2"


@pytest.mark.parametrize("line", ["FOO", "FOO BAR", "='x'"])
def test_a_line_of_dotenv_that_sets_nothing_is_named(tmp_path, line):
    """Half a line in .env is a setting that somebody thinks is on."""
    assert str(refused(tmp_path, "", {}, f"A=1\n# said\n\n{line}\n").where).startswith(".env:")


def test_dotenv_keeps_dollars_and_spaces(tmp_path):
    """A password is what it is: nothing is filled in."""
    assert read(tmp_path, "", {}, "export NEWSLETTER_SECRET_KEYS='a$b${c}'\n").secret_keys == ("a$b${c}",)


def test_every_key_is_documented():
    """The configuration page is made of these."""
    documented = list(config.keys())
    for key in documented:
        assert key.doc.endswith("."), key
        assert key.env.startswith("NEWSLETTER_")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://team:hunter2@db.example.org/newsletter",
        "postgres://team:hunter2@db.example.org:5432/newsletter",
        "postgresql+psycopg://team:hun/ter?2@db.example.org/newsletter",
        "postgresql://:hunter2@/newsletter",
        "postgresql://db.example.org/newsletter?user=team&password=hunter2",
        "postgresql://db.example.org/newsletter?sslpassword=hunter2",
    ],
)
def test_a_password_in_the_ledgers_address_is_refused_at_its_line(tmp_path, url):
    """The file is shared; the environment and .env are not, and there it may stand."""
    error = refused(tmp_path, f'[database]\n\nurl = "{url}"\n')
    assert (str(error.where), error.message) == ("newsletter.toml:3", "a password does not belong in the file: url")
    assert "hunter2" not in f"{error} {error.hint}"
    found = read(tmp_path, "", {}, f"NEWSLETTER_DATABASE_URL={url}\n")
    assert found.database.url == url
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///var/newsletter.db",
        "sqlite:///a:b@c.db",
        "postgresql://team@db.example.org:5432/newsletter",
        "postgresql:///newsletter?host=/run/postgresql&passfile=/etc/pass",
    ],
)
def test_an_address_without_a_password_may_stand_in_the_file(tmp_path, url):
    """Host, user and port are no secrets; nor is a folder with a colon in its name."""
    assert read(tmp_path, f'[database]\nurl = "{url}"\n').database.url == url


def test_a_password_in_any_address_is_refused(tmp_path):
    """Other addresses have places for one too."""
    error = refused(tmp_path, '[images]\nurl = "https://team:hunter2@images.example.org"\n')
    assert str(error.where) == "newsletter.toml:2"
    text = '[newsletter]\nsite_url = "https://example.org:8080/@team:x"\n'
    assert read(tmp_path, text).newsletter.site_url


@pytest.mark.parametrize("text", ["x = " + "9" * 6_000, "x = " + "[" * 50_000])
def test_toml_that_python_itself_cannot_hold_is_a_mistake_of_the_file(tmp_path, text):
    """The operator reads which file is broken, not that the program is."""
    error = refused(tmp_path, text)
    assert error.where.path == "newsletter.toml"
    assert "not valid TOML" in error.message
