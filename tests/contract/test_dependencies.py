"""What the package declares to need is what it imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

# Distributions whose import has another name.
IMPORTS = {
    "mjml-python": "mjml",
    "markdown-it-py": "markdown_it",
    "mdit-py-plugins": "mdit_py_plugins",
    "linkify-it-py": "linkify_it",
    "pyyaml": "yaml",
    "pillow": "PIL",
    "python-dotenv": "dotenv",
    "email-validator": "email_validator",
    "dnspython": "dns",
    "python-http-client": "python_http_client",
}
# Imported by others at run time: by markdown-it-py when links are to be found, by SQLAlchemy for a ledger in PostgreSQL.
BEHIND_OTHERS = {"linkify_it", "psycopg"}


def _name(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()


def _declared(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (needed for name, needed in project["optional-dependencies"].items() if name != "dev")
    return {_name(requirement): requirement for each in (project["dependencies"], *extras) for requirement in each}


def _imported(repository):
    found = {}
    for path in (repository / "composer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.split(".")[0], path.name)
    return {name: place for name, place in found.items() if name not in sys.stdlib_module_names and name != "composer"}


def test_every_import_is_declared(repository):
    """A library that another one happens to bring may be gone tomorrow."""
    declared = {IMPORTS.get(name, name) for name in _declared(repository)}
    assert not {name: place for name, place in _imported(repository).items() if name not in declared}


def test_every_declared_library_is_used(repository):
    """Nobody installs what nothing uses."""
    imported = set(_imported(repository)) | BEHIND_OTHERS
    assert {IMPORTS.get(name, name) for name in _declared(repository)} <= imported


def test_constraints_pin_every_dependency(repository):
    """A fresh clone installs exactly what was tested; only names and versions, from wherever one's index is."""
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.!+]+", line) for line in lines)
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {_name(requirement) for requirement in (*project["dependencies"], *project["optional-dependencies"]["dev"])}
    assert wanted <= {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines}
