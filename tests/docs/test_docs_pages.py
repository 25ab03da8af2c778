"""The documentation is complete, fresh, and leads somewhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from urllib.parse import unquote

import pytest

from composer.config import keys
from composer.delivery.model import DeliveryState
from composer.errors import ComposerError

CONSTRUCTORS = {"error", "warning", "info", "Finding"}


def _pages(repository):
    return sorted([*repository.glob("*.md"), *(repository / "docs").rglob("*.md")])


def _codes_in_source(repository):
    codes = {}
    for path in sorted((repository / "composer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CONSTRUCTORS and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                codes.setdefault(node.args[0].value, f"{path.relative_to(repository)}:{node.lineno}")
    return {code: place for code, place in codes.items() if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", code)}


def _anchors(text):
    """The anchors GitHub makes of a page's headings."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    heads = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def test_generated_pages_are_fresh(repository):
    """Pages made from the code show the code as it is; `make docs` writes them."""
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_every_finding_code_is_documented_and_every_documented_code_exists(repository):
    """Whoever meets a code can look it up, and the page lists none that is gone."""
    used = _codes_in_source(repository)
    documented = re.findall(r"^### `([a-z0-9-]+)`$", (repository / "docs" / "findings.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(used) > 20
    assert sorted(documented) == sorted(set(documented)), "a code is described twice"
    missing = {code: place for code, place in used.items() if code not in documented}
    assert not missing, "not in docs/findings.md"
    assert not set(documented) - set(used), "in docs/findings.md, but nowhere in the code"


def test_every_finding_entry_has_severity_and_what_to_do(repository):
    """An entry says how bad it is, shows an example, and says how to mend it."""
    text = (repository / "docs" / "findings.md").read_text(encoding="utf-8")
    for entry in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        code = entry.splitlines()[0]
        assert re.search(r"^\*\*(Error|Warning|Info|Error or warning)\.\*\*", entry, re.MULTILINE), code
        assert "Example:" in entry, code
        assert "Mend:" in entry, code


def _commands(group, before=""):
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")


def test_every_option_and_command_is_in_the_command_line_page(repository):
    """The reference is whole."""
    from typer.main import get_command

    from composer.cli.app import app

    page = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, command in _commands(get_command(app)):
        part = page.partition(f"\n## newsletter {name}\n")[2].partition("\n## ")[0]
        assert part, name
        for param in command.params:
            names = [param.metavar or param.name.upper()] if param.param_type_name == "argument" else param.opts
            assert all(option in part for option in names), (name, names)
            assert param.help, (name, names)


def test_every_configuration_key_is_documented(repository):
    """Nobody has to read the source for a setting."""
    page = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in keys():
        assert f"| `{key.name}` |" in page.partition(f"## `[{key.table}]`")[2].partition("\n## ")[0]
        assert key.env in page


def test_every_delivery_state_is_explained(repository):
    """The states are what a sender has to understand after a crash."""
    page = (repository / "docs" / "delivery-states.md").read_text(encoding="utf-8")
    for state in DeliveryState:
        assert f"\n| `{state}` | " in page.partition("## The whole table")[0], state


def test_every_exit_code_is_documented(repository):
    """Scripts rely on exit codes."""
    page = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    codes = {0, 1, *(kind.exit_code for kind in (ComposerError, *ComposerError.__subclasses__()))}
    assert all(f"| {code} | " in page for code in codes)


def test_front_matter_keys_are_documented(repository):
    """The hint of `unknown-keys` sends people to this page."""
    from composer.issue import metadata

    page = (repository / "docs" / "writing.md").read_text(encoding="utf-8")
    assert not {key for key in metadata._KNOWN if f"`{key}`" not in page}


def test_changelog_speaks_of_this_version(repository):
    """A version without an entry is a surprise to its users."""
    version = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["version"]
    assert f"\n## [{version}] - " in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_links_between_pages_resolve(repository):
    """A dead link in the documentation is a promise not kept."""
    pages = _pages(repository)
    assert len(pages) > 10
    for page in pages:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.exists(), f"{page.name}: {target}"
            if anchor:
                assert anchor in _anchors(file.read_text(encoding="utf-8")), f"{page.name}: {target}"


@pytest.mark.parametrize("word", ["utils", "helper functions", "TODO", "FIXME"])
def test_pages_hold_no_loose_ends(repository, word):
    """What is written here is finished."""
    assert not [page.name for page in _pages(repository) if word in page.read_text(encoding="utf-8")]


def test_readme_commands_exist(repository):
    """Every `newsletter …` and `make …` in the pages is a command that there is."""
    from typer.main import get_command

    from composer.cli.app import app

    commands = set(get_command(app).commands)
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    for page in _pages(repository):
        text = page.read_text(encoding="utf-8")
        for word in re.findall(r"(?:^    |`)newsletter (?:--project \S+ )?([a-z]+)", text, re.MULTILINE):
            assert word in commands, (page.name, word)
        for word in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE):
            assert word in targets, (page.name, word)
