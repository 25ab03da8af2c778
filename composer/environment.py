"""The texts that a configuration is read from: ``newsletter.toml`` and ``.env``, each mistake at its line."""

from __future__ import annotations

import io
from pathlib import Path

from composer.errors import ConfigError
from composer.findings import Where


def read_text(path: Path) -> str:
    """Return a file's text, empty when there is none. Raises ConfigError for one that cannot be read or is not UTF-8."""
    if not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise ConfigError(f"the file cannot be read: {err.strerror}", where=Where(path.name)) from err
    except UnicodeDecodeError as err:
        line = path.read_bytes()[: err.start].count(b"\n") + 1
        raise ConfigError(
            "the file is not text in UTF-8", where=Where(path.name, line), hint="Save it again with the encoding UTF-8."
        ) from err


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file as they are written; nothing is interpolated. Raises ConfigError at the line."""
    text = read_text(path)
    if not text:
        return {}
    from dotenv.parser import parse_stream  # noqa: PLC0415 - costs 10 ms that projects without the file need not pay

    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            raise ConfigError(
                "this line is not NAME=value", where=Where(path.name, binding.original.line), hint="Write NAME=value, or delete it."
            )
        if binding.key and binding.value is not None:
            values[binding.key] = binding.value
    return values
