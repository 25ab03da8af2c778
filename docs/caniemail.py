"""Writes the facts of client compatibility from the npm package ``caniemail``; needs no network itself.

``npm pack caniemail@1.0.5``, unpack it, then ``python docs/caniemail.py package``; with ``--check`` it writes nothing and fails
when the file is stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composer.checks.compatibility import facts
from composer.checks.compatibility.judgement import BREAKS, FADES

TARGET = Path(facts.__file__).parent / facts.FILE
# Who reads newsletters, in the order in which they are named. Left out: Windows Mail, which Microsoft has ended, and providers of one
# country.
CLIENTS = {
    ("gmail", "desktop-webmail"): ("Gmail", "web"),
    ("gmail", "mobile-webmail"): ("Gmail", "web on phones"),
    ("gmail", "ios"): ("Gmail", "iOS"),
    ("gmail", "android"): ("Gmail", "Android"),
    ("outlook", "windows"): ("Outlook", "Windows"),
    ("outlook", "macos"): ("Outlook", "Mac"),
    ("outlook", "outlook-com"): ("Outlook", "web"),
    ("outlook", "ios"): ("Outlook", "iOS"),
    ("outlook", "android"): ("Outlook", "Android"),
    ("apple-mail", "macos"): ("Apple Mail", "Mac"),
    ("apple-mail", "ios"): ("Apple Mail", "iOS"),
    ("yahoo", "desktop-webmail"): ("Yahoo", "web"),
    ("yahoo", "ios"): ("Yahoo", "iOS"),
    ("yahoo", "android"): ("Yahoo", "Android"),
    ("samsung-email", "android"): ("Samsung Email", "Android"),
    ("protonmail", "desktop-webmail"): ("Proton Mail", "web"),
    ("protonmail", "ios"): ("Proton Mail", "iOS"),
    ("protonmail", "android"): ("Proton Mail", "Android"),
    ("thunderbird", "macos"): ("Thunderbird", "desktop"),
}
_LICENCE = (
    "The data is that of https://www.caniemail.com (MIT License, Copyright (c) 2019 HTeuMeuLeu), taken from the npm package caniemail"
    " (MIT License, Copyright © Avi Goldman, Copyright © Andrew Powell <andrew@shellscape.org>)."
)
_OTHER_ACCOUNT = re.compile(r"non.(?:Google|Gmail)", re.IGNORECASE)


def compact(source: Mapping[str, Any], version: str, licence: str) -> dict[str, Any]:
    """Return what the check needs of caniemail's data: one letter a client and feature.

    ``y`` supported, ``a`` in part, ``n`` not, ``u`` unknown, ``o`` not in Gmail's apps with an account of another provider.
    """
    features = {feature["slug"]: _compact(feature) for feature in source["data"] if feature["category"] in {"css", "html", "image"}}
    return {
        "source": f"https://www.caniemail.com, by the npm package caniemail {version}",
        "date": source["last_update_date"][:10],
        "licence": f"{_LICENCE}\n\n{licence[licence.index('Permission') :].strip()}",
        "letters": "y supported, a in part, n not, u unknown, o not in Gmail's apps with another provider's account",
        "clients": list(CLIENTS.values()),
        "features": features,
    }


def _compact(feature: Mapping[str, Any]) -> dict[str, Any]:
    notes: Mapping[str, str] = feature["notes_by_num"] or {}
    letters, said = [], []
    for family, platform in CLIENTS:
        stats = feature["stats"].get(family, {})
        # The newest version stands last.
        newest = next(reversed(stats.get(platform, {"": "u"}).values()))
        letter, numbers = newest[0], re.findall(r"#(\d+)", newest)
        remarks = [notes[number] for number in numbers if number in notes]
        if letter == "a" and any(_OTHER_ACCOUNT.search(remark) for remark in remarks):
            letter = "o"
        elif letter == "a":
            said += [remark for remark in remarks if remark not in said]
        letters.append(letter)
    kept = {"title": feature["title"].strip(), "support": "".join(letters)}
    judged = feature["slug"] in BREAKS or feature["slug"] in FADES
    return {**kept, "notes": said} if said and judged else kept


def text(data: Mapping[str, Any]) -> str:
    """Return the file's content: one line a feature, so that a newer one can be compared."""

    def lines() -> Iterator[str]:
        for key, value in data.items():
            if key != "features":
                yield f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        rows = (f"{json.dumps(slug)}: {json.dumps(known, ensure_ascii=False)}" for slug, known in sorted(data["features"].items()))
        yield '"features": {\n' + ",\n".join(rows) + "\n}"

    return "{\n" + ",\n".join(lines()) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write or check the file."""
    package = Path(next(argument for argument in arguments if not argument.startswith("-")))
    source = json.loads((package / "dist" / "data" / "caniemail.json").read_text(encoding="utf-8"))
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    made = text(compact(source, version, (package / "LICENSE").read_text(encoding="utf-8")))
    if "--check" in arguments:
        fresh = TARGET.read_text(encoding="utf-8") == made
        print("fresh" if fresh else f"{TARGET.name} is stale")
        return 0 if fresh else 1
    TARGET.write_text(made, encoding="utf-8")
    print(f"{TARGET.name}: {len(made):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
