"""Records what Python's string methods give for every character.

Run as `python3 spec/unit/engine/text/jinja/characters.py` with Python 3.11; it rewrites characters.json beside it. For
each method and each row of 4,096 characters it writes a digest, since the results themselves have megabytes.
"""

import hashlib
import json
import platform
import unicodedata
from pathlib import Path

ROW = 0x1000

# What later versions of Unicode say otherwise of characters of Unicode 14, where Python follows too: modifier letters
# became small letters (15.0), four characters may stand in names (15.1), four small letters got capitals, one became a
# letter without case, and a sign became one that a word's end is looked for beyond (16 and 17).
CHANGED = [0x10FC, 0xA7F2, 0xA7F3, 0xA7F4, 0xAB69, 0x200C, 0x200D, 0x30FB, 0xFF65, 0x19B, 0x264, 0xA7D3, 0xA7D5, 0x295,
    0x1171E]

CLASSES = ["isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isprintable", "isspace",
    "istitle", "isupper"]
# Of a character alone, and where the method looks at its neighbours.
CASES = {"lower": ["{}", "AΣ{}", "AΣ{}A"], "upper": ["{}"], "casefold": ["{}", "A{}Σ"], "title": ["{}", "a{}a", "aΣ{}a"],
    "capitalize": ["{}", "a{}", "aΣ{}"], "swapcase": ["{}", "AΣ{}", "AΣ{}A"]}
CLASS_CASES = {"isidentifier": ["a{}"], "islower": ["a{}"], "isupper": ["A{}"], "istitle": ["A{}b", "A{}B"]}


def probes():
    for name in CLASSES:
        for case in ["{}", *CLASS_CASES.get(name, [])]:
            yield f"{name} {case}", lambda c, name=name, case=case: str(int(getattr(case.replace("{}", c), name)()))
    for name, cases in CASES.items():
        for case in cases:
            yield f"{name} {case}", lambda c, name=name, case=case: getattr(case.replace("{}", c), name)()


def main():
    changed = {chr(code) for code in CHANGED}
    rows = []
    for first in range(0, 0x110000, ROW):
        characters = [chr(code) for code in range(first, first + ROW)]
        known = [c for c in characters if unicodedata.category(c) != "Cn" and c not in changed]
        if known:
            rows.append((first, known))
    digest = lambda text: hashlib.sha256(text.encode("utf-16-le", "surrogatepass")).hexdigest()[:8]
    skipped = []
    for code in range(0x110000):
        if unicodedata.category(chr(code)) == "Cn" or code in CHANGED:
            if skipped and skipped[-1][1] == code - 1:
                skipped[-1][1] = code
            else:
                skipped.append([code, code])
    result = {
        "provenance": {"recordedBy": "characters.py", "python": platform.python_version(),
            "unicode": unicodedata.unidata_version},
        # Ends of ranges, each as its distance from the one before.
        "skipped": " ".join(distances([end for pair in skipped for end in pair])),
        "rows": " ".join(f"{first:x}" for first, _ in rows),
        "digests": {name: " ".join(digest("\n".join(map(run, known))) for _, known in rows) for name, run in probes()},
    }
    Path(__file__).with_name("characters.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def distances(numbers):
    return [str(b - a) for a, b in zip([0, *numbers], numbers)]


main()
