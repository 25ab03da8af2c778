"""Rules of the cut that an import contract cannot express; they read the source, they do not run it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import composer

ROOT = Path(composer.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py")) if "scaffold" not in path.parts
}
CORE = [
    name
    for name in MODULES
    if name.split(".")[0] in {"issue", "edition", "audience", "message"}
    or name in {f"delivery.{part}" for part in ("model", "retry", "pacing", "domains", "brake")}
    if name not in {"issue.files", "audience.files", "edition.templates"}  # the doors to issues, lists and templates
]
# What reaches outside through names that a pure function may otherwise import from the same module.
IMPURE_CALLS = {
    "open",
    "input",
    "print",
    "now",
    "utcnow",
    "today",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "urlopen",
    "getenv",
}


def _tree(name):
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def _called(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            func = node.func
            yield func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", ""), node


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_rooms_are_found():
    """The other tests here would pass on nothing at all."""
    assert {"errors", "config", "project"} <= set(MODULES)
    assert len(CORE) > 8


@pytest.mark.parametrize("name", CORE)
def test_core_touches_no_clock_disk_or_network(name):
    """Same input, same bytes: the core may not ask the machine anything."""
    tree = _tree(name)
    calls = {f"{called}() in line {node.lineno}" for called, node in _called(tree) if called in IMPURE_CALLS}
    assert not calls
    assert not {module for module in _imports(tree) if module.split(".")[:2] == ["urllib", "request"]}


def test_only_dispatch_sends():
    """One loop sends, so that one place claims before and records after; what goes into a socket is not meant."""
    calls = [(name, called, node.func) for name in MODULES for called, node in _called(_tree(name)) if isinstance(node.func, ast.Attribute)]
    on = [(name, called, ast.unparse(function.value).rpartition(".")[2]) for name, called, function in calls]
    assert {name for name, called, what in on if called == "send" and what != "sock"} == {"delivery.dispatch"}
    assert {name for name, called, what in on if called == "begin" and what == "transport"} == {"delivery.dispatch"}


def _way(module):
    """The transport that a module is of: ``sendgrid`` for ``transport.sendgrid.payload``, ``smtp`` for ``transport.smtp_reply``."""
    return module.split(".")[1].partition("_")[0]


def test_transports_do_not_know_one_another():
    """A way out can be understood, and removed, alone."""
    ways = {name for name in MODULES if name.startswith("transport.")} - {"transport.base", "transport.registry", "transport.__init__"}
    assert {_way(name) for name in ways} >= {"outbox", "smtp", "sendgrid"}
    for name in ways:
        others = {f"composer.{other}" for other in ways if _way(other) != _way(name)}
        assert not others & set(_imports(_tree(name))), name


def test_only_config_reads_the_environment():
    """Where a setting comes from is answered in one file."""
    # premailer takes the size of its cache from a variable alone: it is set there, never read.
    allowed = {"config", "edition.inline"}
    reading = {name for name in MODULES for node in ast.walk(_tree(name)) if isinstance(node, ast.Attribute) and node.attr == "environ"}
    assert reading <= allowed
    inline = [
        node for node in ast.walk(_tree("edition.inline")) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
    ]
    assert {node.attr for node in inline if node.value.attr == "environ"} <= {"setdefault"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_says_what_it_is(name):
    """A module's docstring says what it is, in at most six lines of prose (errors draws its tree)."""
    text = ast.get_docstring(_tree(name))
    assert text, f"{name} has no docstring"
    if name != "errors":
        assert len(text.splitlines()) <= 6, name


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_drawer_for_odds_and_ends(name):
    """Modules are nouns of the glossary or the verb they are."""
    assert not {"utils", "util", "helpers", "common", "manager", "service", "misc"} & set(name.split("."))
