"""Combinations of what a template may call with the arguments where an implementation goes wrong.

The ends, the empty, the negative, the odd and the even; more than one character, characters beyond U+FFFF; equal items
in both orders, and ints, floats and booleans that are equal.
"""


def expressions():
    texts = ["''", "'abab'", "'a😀b'", "uni"]
    yield from (f"{t}[{s}]" for t in ["'abcd'", "list", "(1, 2, 3)", "'😀a😀'"] for s in ["9:0:-1", "-9:9", "2:-9:-1",
        "::-2", "1::2", "-1:0:-1", "3:1", ":-1:-1", "9:", ":0", "-2:-1"])
    yield from (f"{t}.{m}({a})" for t in ["'aXYbXYc'", "'XYa'", "''", "'aXY'"] for m in ["split", "rsplit"] for a in
        ["'XY'", "'XY', 1", "'XY', 0", "'XY', 9", "'X', 2"])
    yield from (f"{t}.{m}({a})" for t in ["' a  b c '", "'a'"] for m in ["split", "rsplit"] for a in ["none, 1",
        "none, 0", "none, 2", "none, -1"])
    yield from (f"{t}.{m}('XY')" for t in ["'aXYbXYc'", "'abc'", "'XY'"] for m in ["partition", "rpartition"])
    yield from (f"{t}.{m}({a})" for t in texts for m in ["find", "rfind", "count"] for a in ["'b'", "''", "'b', 2",
        "'b', 0, -1", "'b', -2", "'', 1, 1", "'a', 9", "'b', 1, 3"])
    yield from (f"{t}.{m}({a})" for t in ["'abab'", "'a😀b'"] for m in ["startswith", "endswith"] for a in ["'b', 1",
        "'a', 0, -1", "'', 2, 1", "('b', 'a'), -1", "'ab', 2, 4"])
    yield from (f"'{t}'.{m}({w}, '*')" for t in ["a", "ab", "😀"] for m in ["center", "ljust", "rjust"] for w in [0, 2,
        3, 4, 5, 6])
    yield from (f"'{t}'.zfill({w})" for t in ["", "+", "-12", "+1", "a1"] for w in [0, 3, 4])
    yield from (f"'{t}'.expandtabs({w})" for t in ["\\t", "a\\tb\\tc", "abcd\\te", "a\\n\\tb", "😀\\tb"] for w in [0,
        1, 4])
    yield from (f"'{t}'.splitlines({k})" for t in ["", "\\n", "a\\r\\nb\\rc", "a\\n\\nb\\n", "\\r\\n\\r\\n",
        "a\\x0bb\\x85"] for k in ["", "true"])
    yield from (f"'{t}'.replace({a})" for t in ["aaaa", "", "a😀"] for a in ["'aa', 'b'", "'', '-', 2", "'a', '', 3",
        "'', '-'", "'a', 'b', 0"])
    yield from (f"'{t}'.{m}('{c}')" for t in ["abcba", "😀a😀"] for m in ["strip", "lstrip", "rstrip"] for c in ["a",
        "ab", "cba", "😀"])
    yield from (f"'{t}'.{m}()" for t in ["aB cD", "ÀÉ", "ǆ", "ß", "1a", "A", "a b"] for m in ["capitalize", "title",
        "swapcase", "istitle", "isupper", "islower", "casefold"])
    yield from (f"'{f}' % {v}" for f in ["%.2s|", "%5.1s|", "%-5s|", "%05s|"] for v in ["'😀xy'", "12"])
    yield from (f"'{f}' % {v}" for f in ["%d", "%5d|", "%-5d|", "%05d", "%+05d", "% d", "%.3d", "%x", "%#o", "%#X",
        "%5.1f", "%-7.2f|", "%+.0f", "%07.2f", "%.f", "%c"] for v in [0, 7, -7, 65, "2.5", "-2.5"])
    yield from (f"'{{:{f}}}'.format({v})" for f in ["*<06", "*>06", "*^06", "^06", "^4", "^5", "*^7", ">4", "<4", "=+6", "06", "+", " ", ".1f",
        "^+9.2f", "08.2f", "x", "#b", "#06x", "%", ".0%", "d"] for v in [3, -3, "2.5", "'abc'", "true"])
    yield from (f"'{{:{f}}}'.format('a😀')" for f in ["^5", ".1", "^7.1", "*<4"])
    numbers = ["7", "-7", "7.5", "-7.5", "0", "0.0", "yes", "-3", "3", "1e308", "big", "-big"]
    yield from (f"({a}) {o} ({b})" for a in numbers for o in ["//", "%", "/", "**"] for b in ["2", "-2", "3", "-3",
        "0.5", "-0.5", "yes"] if o != "**" or ("big" not in a and not (a[0] == "-" and "." in b)))
    yield from (f"({a}) {o} ({b})" for a in ["1", "1.0", "true", "'a'", "'b'", "[1]", "[1, 2]", "(1,)", "none"] for o
        in ["<", ">=", "=="] for b in ["1", "0.5", "'a'", "[1]", "(1, 2)", "none"])
    yield from (f"'{a}' < '{b}'" for a, b in [("\\ue000", "😀"), ("😀", "\\ue000"), ("😀", "😁"), ("a😀", "a"), ("", "a"),
        ("\\ud7ff", "\\ue000")])
    yield from (f"((2 ** {n} + 1) * 10 ** {k} + {e}) / 10 ** {k}" for n in [53, 54, 64] for k in [20, 40] for e in [1,
        0, -1])
    yield from ["(10 ** 400) / (10 ** 399)", "-(2 ** 70) / 3", "1 / 10 ** 330", "(2 ** 1030) / (2 ** 1000)"]
    yield from (f"{v} | round({p}{m})" for v in ["-0.0", "-15", "-25", "-26", "15", "25", "-5", "5", "2.5", "-2.5",
        "-0.04", "1234.5"] for p in ["0", "1", "-1", "-2"] for m in ["", ", 'ceil'", ", 'floor'"])
    yield from (f"{v} | int" for v in ["'-5'", "'+ 5'", "'5.'", "'-5.9'", "'1e2'", "'0x10'", "''", "' '", "true",
        "-5.9", "'1__0'", "'٣'"])
    yield from (f"'{v}' | int(9, {b})" for v in ["11", "0b11", "0x1f", "-1F", "8", "0o17", "zz"] for b in [2, 8, 10,
        16])
    yield from (f"{n} | filesizeformat{b}" for n in ["0", "999", "1000", "1023", "1024", "10 ** 6", "1024 ** 2",
        "10 ** 25", "'12'", "999950"] for b in ["", "(true)"])
    items = ["[1, 2, 3, 4]", "[1, 2, 3]", "[]", "[1]"]
    yield from (f"{i} | {f}({n}{x}) | list" for i in items for f in ["slice", "batch"] for n in [1, 2, 3] for x in
        ["", ", 'x'"])
    pairs = "[{'k': 2, 'n': 'a'}, {'k': 1, 'n': 'B'}, {'k': 2, 'n': 'A'}, {'k': 1, 'n': 'b'}]"
    yield from (f"{pairs} | sort({a}) | map(attribute='n') | join" for a in ["attribute='k'", "true, attribute='k'",
        "attribute='n'", "true, attribute='n'", "true, true, 'n'", "attribute='k,n'", "true, attribute='k,n'"])
    yield from (f"{pairs} | groupby({a}) | list | length" for a in ["'k'", "'n'", "'n', case_sensitive=true",
        "'zz', default=0"])
    yield from (f"{pairs} | {f} | tojson" for f in ["max(attribute='k')", "min(attribute='k')",
        "unique(attribute='k') | list", "unique(attribute='n') | list", "unique(true, 'n') | list",
        "max(attribute='n')", "min(true, 'n')"])
    yield from (f"{{'b': 1, 'A': 2, 'a': 2, 'C': 1}} | dictsort({a})" for a in ["", "true", "false, 'value'",
        "false, 'value', true", "true, 'key', true"])
    yield from (f"{v} | tojson({a})" for v in ["{'b': [1, {}], 'a': {'x': []}}",
        "'\\x00\\x1f \\x7f\\x80é😀\\u2028/\"'"] for a in ["", "ensure_ascii=true", "indent=1", "sort_keys=true",
        "indent=0", "separators=('; ', ' = ')", "indent=2, ensure_ascii=true, sort_keys=true"])
    yield from (f"{{{a}: 'x'}}[{b}]" for a in ["1", "1.0", "true", "'1'", "0", "none"] for b in ["1", "1.0", "true",
        "'1'", "false", "0.0", "none"])
    yield from (f"'{t}' | truncate({a})" for t in ["abc def ghi jkl", "abcdefghijkl", "😀😀 😀😀 😀😀😀😀"] for a in
        ["9, leeway=0", "9, true, leeway=0", "5", "8, false, '', 0", "12", "10, leeway=2"])
    yield from (f"'{t}' | indent({a})" for t in ["a\\nb", "\\na\\n\\n", "a\\r\\n b"] for a in ["", "2, true",
        "2, false, true", "'> ', true, true"])
    yield from (f"{r} | list" for r in ["range(3, 0)", "range(0, 10, 4)", "range(10, 0, -3)", "range(0, -1)",
        "range(-3)", "range(2, 9, 7)", "range(2, 9, 8)"])
    yield from (f"{e} | abs" for e in ["-3", "- 3", "-2.5", "(-3)", "-true", "1 - 4"])
    yield from ["-3 ** 2", "(-3) ** 2", "2 ** -1 * 4", "-2 | string ~ 1", "not 1 in [2]", "not not 1",
        "1 if 0 else 2 if 0 else 3", "1 or 0 and 0", "(1 or 0) and 0", "1 + 2 * 3 ** 2", "7 // 2 * 2",
        "'a' ~ 'b' * 2", "-1 is odd", "not 1 is odd", "1 is odd == true", "[1][0] + 1",
        "'a' in 'abc' and 'd' not in 'abc'"]
    # Arguments by name, twice, and one too many.
    filters = {"trim": "chars='x'", "replace": "old='x', new='y', count=1", "indent": "width=1, first=true, blank=true",
        "center": "width=7", "truncate": "length=4, killwords=true, end='.', leeway=0", "default": "default_value=1, "
        "boolean=true", "join": "d='-', attribute=none", "batch": "linecount=2, fill_with='z'", "slice": "slices=2, "
        "fill_with='z'", "int": "default=3, base=16", "float": "default=1.5", "round": "precision=1, method='ceil'",
        "sort": "reverse=true, case_sensitive=true, attribute=none", "unique": "case_sensitive=true, attribute=none",
        "min": "case_sensitive=true, attribute=none", "tojson": "ensure_ascii=true, indent=1, separators=none, "
        "sort_keys=true", "filesizeformat": "binary=true", "sum": "attribute=none, start=1"}
    values = {"int": "'1f'", "float": "'x'", "round": "1.25", "default": "''", "batch": "list", "slice": "list",
        "sum": "list", "filesizeformat": "2000"}
    ends = {"batch": " | list", "slice": " | list", "unique": " | list"}
    for name, named in filters.items():
        value, end = values.get(name, "'xbXax xB'"), ends.get(name, "")
        parts = named.split(", ")
        calls = [named, *parts, f"{named}, other=1", ", ".join(part.split("=")[1] for part in parts)]
        calls.append(f"{parts[0].split('=')[1]}, {parts[0]}")
        calls.append(", ".join([part.split("=")[1] for part in parts] + ["1"]))
        yield from (f"{value} | {name}({call}){end}" for call in calls)
    yield from (f"9 is {t}" for t in ["divisibleby(num=3)", "divisibleby(other=3)", "divisibleby(3, 3)", "divisibleby",
        "eq(other=9)", "in(seq=[9])", "odd(1)", "gt(3, other=2)", "in([9], 1)", "sameas()"])
    yield from (f"'aXbX'.{m}" for m in ["split(sep='X')", "split('X', maxsplit=1)", "rsplit(maxsplit=1, sep='X')",
        "splitlines(keepends=true)", "encode(encoding='x', x=1)", "split('X', sep='X')", "upper(1)", "strip('X', 'X')",
        "center(9, 'ab')", "join(1)", "startswith(1)", "find()", "count(1)", "partition('')", "split('')"])
    yield from (f"{{'a': 1, 'b': 2}}.{m}" for m in ["get('a', 3)", "get('c', 3)", "get()", "get('a', 1, 2)", "keys(1)",
        "items() | list", "copy()", "get(['a'])"])
    yield from ["dict({'a': 1}, a=2, b=3)", "dict([('a', 1), ('a', 2)])", "dict(dict(a=1), **{'b': 2})", "dict(1)",
        "dict([(1, 2, 3)])", "dict({}, {})", "namespace(a=1, **{'b': 2}).b", "namespace({'a': 1}, a=2).a", "range()",
        "range(1, 2, 3, 4)", "range(stop=3)", "range('a')", "raise_exception(message='x')", "raise_exception()"]
    yield from (f"{v} | tojson(sort_keys=true)" for v in ["{10: 1, 9: 2, 1: 3}", "{'10': 1, '9': 2}", "{1.5: 1, 1: 2}",
        "{true: 1, 0: 2}", "{none: 1}", "{none: 1, 'a': 2}", "{1: 1, '1': 2}", "{'é': 1, 'z': 2, '😀': 3, '\\ue000': 4}"])
STATEMENTS = [
    "{% for x in [] %}{% else %}{% set a = 1 %}{{ a }}{% endfor %}{{ a }}",
    "{% set a = 0 %}{% for x in [1] %}{% set a = 1 %}{% else %}{% set a = 2 %}{% endfor %}{{ a }}",
    "{% set a = 0 %}{% for x in [] %}{{ loop }}{% else %}{{ a }}{{ loop }}{% set a = 2 %}{% endfor %}{{ a }}",
    "{% set a = 1 %}{% set b %}{% set a = 2 %}{{ a }}{% endset %}{{ a }}{{ b }}",
    "{% set a = 1 %}{% filter upper %}{% set a = 'x' %}{{ a }}{% endfilter %}{{ a }}",
    "{% macro m(x) %}{% set a = x %}{{ a }}{{ caller() if caller else '' }}{% endmacro %}{% set a = 1 %}{{ m(2) }}{% call m(3) %}{{ a }}{% endcall %}{{ a }}",
    "{% macro m(a, a2=1, *) %}{% endmacro %}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{% macro m(a) %}{{ a is defined }}{{ varargs | length }}{{ kwargs | length }}{% endmacro %}{{ m() }}{{ m(1) }}{{ m(1, 2, x=3) }}",
    "{{ '%s' % (1,) }}{{ '%s %s' % (1, (2,)) }}{{ '%(a)s %(b)d' % {'a': 1, 'b': 2.9} }}",
    "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with a = 1 %}{% with a = a + 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}",
    "{% set a = 1 %}{% with %}{% set a = 2 %}{{ a }}{% endwith %}{{ a }}",
    "{{ 'a' }} {% if yes %}b{% endif %} {{ 'c' }}  {% if yes %}\n  d{% endif %}",
    "{% macro m() %}{{ caller() }}{{ kwargs }}{% endmacro %}{% call m(x=1) %}in{% endcall %}",
    "{% macro m(a, b=a, c=b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(1, 2) }}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }}{{ loop.revindex0 }}{{ loop.cycle(1, 2, 3) }} {% endfor %}",
    "{% for x in list | map('string') %}{{ loop.index }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }} {% endfor %}",
    "{% for x in list if x != 1 %}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
    "{% for x in list %}{% for y in list %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in list %}{% if loop.last %}{% continue %}{% endif %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% else %}none{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% set (a, b), c = (1, 2), 3 %}{{ a }}{{ b }}{{ c }}",
    "{% set ns = namespace(x=1) %}{% macro m() %}{% set ns.x = ns.x + 1 %}{% endmacro %}{{ m() }}{{ m() }}{{ ns.x }}",
    "{% if no %}a{% elif none %}b{% elif one %}c{% elif yes %}d{% else %}e{% endif %}",
    "{% filter indent(2) %}a\nb{% endfilter %}",
    "{% set t | trim | upper %}  a {{ one }} {% endset %}[{{ t }}]",
    "a\n{# c #}\nb{#- d -#}\nc {#+ e +#}\nd",
    "{%- if yes %}\n\n a\n{%- endif -%}\n\n b",
    "  {{- 'a' -}}  {{ 'b' }}\n\n",
]
