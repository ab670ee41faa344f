"""Expressions over values of every kind: each filter and test, each operator with a value of every kind on both sides.

Run as `python3 spec/unit/engine/text/jinja/kinds.py` with jinja2 installed; it rewrites kinds.json beside it, which
`npm run format` then lays out. Of an error only that there is one is recorded: what it says is in record.py's cases.
"""

import json
import platform
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

VALUES = ["none", "true", "0", "-7", "2.5", "nan", "-inf", "''", "'12'", "'a B'", "[]", "[3, 1]", "['b', 'A']", "[[1, 2]]", "()", "(1, 2)",
    "{}", "{'k': 1, 'z': none}", "missing", "range(3)", "{'k': 1}.keys()", "([1, 2] | map('string'))", "('<a>' | safe)", "namespace(a=1)",
    "'a'.upper"]
FILTERS = ["abs", "attr('real')", "batch(2) | list", "capitalize", "center(5)", "count", "d", "default('x', true)", "dictsort", "e",
    "filesizeformat", "filesizeformat(none)", "filesizeformat(1)", "first", "float", "float(none)", "forceescape", "format", "groupby(0)",
    "indent", "int", "int(none)", "int('x', 8)", "items | list", "join", "join(1)", "last", "length", "list", "lower", "map('string') | list",
    "map | list", "max", "min", "reject | list", "replace('a', none)", "reverse", "reverse | list", "round", "round(1, 'ceil')", "safe",
    "select | list", "selectattr('k') | list", "slice(2) | list", "sort", "sort(true)", "string", "sum", "title", "trim", "truncate",
    "truncate(5, true, '', 0)", "unique | list", "upper", "urlencode", "wordcount", "tojson"]
TESTS = ["boolean", "callable", "defined", "escaped", "even", "false", "filter", "float", "integer", "iterable", "lower", "mapping", "none",
    "number", "odd", "sequence", "string", "test", "test(1)", "true", "undefined", "upper", "divisibleby(2)", "in({'k': 1})", "in([1])",
    "sameas(())"]
OTHERS = ["not {}", "-{}", "+{}", "{} and 1", "{} or 1", "[{}]", "{{{}: 1}}", "{} ~ 'x'", "{}.real", "{}.start", "{}.keys", "{}.upper()",
    "{}.count()", "{}.copy(1)", "{}[0]", "{}['k']", "{}[1:]", "{}()", "range({})", "range(1, {})", "dict({})", "namespace({})",
    "'%s' % {}", "'%5%' % {}", "'%d' % {}", "'{{:>4}}'.format({})", "'{{:.2}}'.format({})", "'ab'.splitlines({})", "'ab'.startswith({}, 9)",
    "'ab'.endswith({}, 9)", "'ab'.count({}, 9)", "'a b'.split({})", "'ab'.strip({})", "'ab'.center({})", "'ab'.find({})",
    "'ab'.replace('a', {})", "['x'] | join({})", "'abc' | truncate({})", "'abc' | default({})", "{{'k': {}}} | tojson"]
OPERATORS = ["+", "*", "%", "//", "==", "<", "in"]


def expressions(value):
    yield from (f"{value} | {name}" for name in FILTERS)
    yield from (f"{value} is {name}" for name in TESTS)
    yield from (form.format(value) for form in OTHERS)
    yield from (f"{value} {operator} {other}" for operator in OPERATORS for other in VALUES)


def main():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda x: json.dumps(x, ensure_ascii=False)
    numbers = {"nan": float("nan"), "inf": float("inf")}

    def record(expression):
        try:
            text = environment.from_string("{{ " + expression + " }}").render(**numbers)
        except Exception:
            return "!"
        # An address in memory differs from run to run; such a value must be refused.
        return "!" if " at 0x" in text or "jinja2.sandbox" in text else "=" + text

    rows = [[value, "\t".join(map(record, expressions(value)))] for value in VALUES]
    result = {
        "provenance": {"recordedBy": "kinds.py", "jinja2": jinja2.__version__, "python": platform.python_version()},
        "operators": OPERATORS,
        "forms": [*(f"{{}} | {name}" for name in FILTERS), *(f"{{}} is {name}" for name in TESTS),
            *(form.format("{}") for form in OTHERS)],
    }
    result["rows"] = rows
    Path(__file__).with_name("kinds.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


main()
