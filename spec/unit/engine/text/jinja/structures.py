"""Groups, keywords that map and select hand on, the equality of containers, and break and continue in all that nests."""

EXPRESSIONS = r"""
people | groupby('name') | list
people | groupby('name') | map('first') | list
[{'a': 'B', 'n': 1}, {'a': 'b', 'n': 2}, {'a': 'A', 'n': 3}] | groupby('a') | list
[{'a': 'b', 'n': 1}, {'a': 'B', 'n': 2}] | groupby('a') | map(attribute=0) | list
[{'a': 'b', 'n': 1}, {'a': 'B', 'n': 2}] | groupby('a', case_sensitive=true) | map(attribute=0) | list
[{'a': 'B'}, {}, {'a': 'c'}] | groupby('a', default='X') | map('first') | list
[{'a': 'B'}, {}] | groupby('a', 'b') | list
[['B', 1], ['b', 2], ['A', 3]] | groupby(0) | list
[{'a': {'b': 'X'}}, {'a': {'b': 'x'}}] | groupby('a.b') | list
(people | groupby('age') | first).grouper
(people | groupby('age') | first).list
(people | groupby('age') | last).grouper ~ (people | groupby('age') | last).list
(people | groupby('age') | first)[0]
(people | groupby('name') | first) is sequence
people | groupby('age') | map(attribute='grouper') | list
people | groupby('age') | map(attribute='list') | map('length') | list
people | groupby('nope') | list
[] | groupby('a') | list
people | min(attribute='name')
people | max(attribute='name')
people | max(attribute='name', case_sensitive=true)
people | map(attribute='name') | sort
people | sort(attribute='name') | map(attribute='name') | list
people | sort(attribute='name', case_sensitive=true) | map(attribute='name') | list
people | sort(attribute='ok') | list
[{'a': 'b'}, {'a': 'B'}, {'a': 'c'}] | unique(attribute='a') | list
[{'a': 'b'}, {'a': 'B'}] | unique(attribute='a', case_sensitive=true) | list
['B', 'b', 'a'] | unique | list
['b', 'B'] | min
['B', 'b'] | max
['b', 'B', 'A', 'a'] | sort
['b', 'B', 'A', 'a'] | sort(reverse=true)
{'a': 'B', 'b': 'a', 'c': 'b'} | dictsort(by='value')
{'a': 'B', 'b': 'a', 'c': 'b'} | dictsort(true, 'value')
{'a': 'B', 'b': 'a', 'c': 'b'} | dictsort(by='value', case_sensitive=true, reverse=true)
{'b': 1, 'B': 2, 'A': 3} | dictsort
{'b': 1, 'B': 2, 'A': 3} | dictsort(reverse=true)
[2.55, 1.25] | map('round', precision=1) | list
[2.55, 1.25] | map('round', 1, method='floor') | list
[2.55, 1.25] | map('round', method='ceil') | list
[[1, 2], {'a': 1}] | map('tojson', indent=2) | join
[[1, 2]] | map('tojson', separators=(',', ':')) | list
[{'b': 1, 'a': 2}] | map('tojson', sort_keys=true) | list
people | map(attribute='ok') | map('default', default_value='x') | list
people | map(attribute='ok') | map('default', 'x', boolean=true) | list
['', none, 'a'] | map('default', default_value='x', boolean=true) | list
[people] | map('join', '/', attribute='name') | list
[people] | map('map', attribute='name') | map('list') | list
people | map('attr', name='name') | list
[[3, 1, 2]] | map('sort', reverse=true) | list
['ff', '10'] | map('int', base=16) | list
['abc abc'] | map('replace', 'a', 'x', count=1) | list
['a\nb'] | map('indent', width=2, first=true) | list
['hello world foo'] | map('truncate', length=9, killwords=true, end='.', leeway=0) | list
['x'] | map('center', width=5) | list
['xax'] | map('trim', chars='x') | list
[1, 2] | map('round', nope=1) | list
[1] | map(default='x') | list
[1] | map(filter='upper') | list
people | map(attribute='age', default=0) | list
[{'a': 1}, {}] | map(attribute='a.b', default=0) | list
[1, 2, 3, 4] | select('divisibleby', num=2) | list
[1, 2, 3, 4] | reject('divisibleby', num=2) | list
people | selectattr('age', 'divisibleby', num=15) | map(attribute='name') | list
people | rejectattr('age', 'divisibleby', num=15) | map(attribute='name') | list
[1, 2, 3] | select('in', seq=[1, 2]) | list
people | selectattr('name', 'in', seq=['bob']) | map(attribute='name') | list
people | rejectattr('name', 'in', seq=['bob']) | map(attribute='name') | list
[none, 1] | select('sameas', other=none) | list
[1, 2] | select('odd', nope=1) | list
[0, 1] | select(nope=1) | list
people | selectattr('ok', nope=1) | map(attribute='name') | list
people | rejectattr('name') | list
people | selectattr('ok', 'undefined') | map(attribute='name') | list
people | selectattr('age', 'in', [25]) | map(attribute='name') | list
people | selectattr(attr='ok') | list
[[1, 0], [0, 2]] | selectattr(1) | list
[{'a': {'b': 1}}, {'a': {}}] | selectattr('a.b') | list
6 is divisibleby(num=4)
6 is in(seq=[6])
none is sameas(other=none)
{'a': 1} == {'a': 1, 'b': 2}
{'a': 1, 'b': 2} == {'a': 1}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
{} == {}
{} == {'a': 1}
{'a': 1} == {}
{'a': none} == {'b': none}
{'a': none} == {}
{} == {'a': none}
{'a': 1} != {'a': 1, 'b': 2}
{'a': {}} == {'a': {'b': 1}}
[{}] == [{'a': 1}]
{} in [{'a': 1}]
{'a': 1} in [{'a': 1, 'b': 2}]
{'a': 1} not in [{'a': 1, 'b': 2}]
[{'a': 1, 'b': 2}, {'a': 1}].index({'a': 1})
[{'a': 1, 'b': 2}, {'a': 1}].count({'a': 1})
[{}, {'a': 1}] | unique | list
{'a': 1} == [1]
{'a': 1} == none
{'a': 1} == 'a'
[] == {}
[1] == [1, 2]
[1, 2] == [1]
[] == [none]
() == (1,)
(1,) == (1, 2)
(1, 2) == (1,)
range(2) == range(3)
range(3) == range(2)
range(0, 3, 2) == range(0, 4, 2)
range(0) == range(5, 5)
range(2) == [0, 1]
[1] < [1, 0]
[1, 0] < [1]
[1, 0] > [1]
[1] <= [1]
[] < [0]
[2] < [1, 0]
() < (0,)
(1, 2) < (1,)
(1, 2) >= (1,)
[[1], [1, 0], []] | sort
['a', 'ab', ''] | sort
'a' < 'ab'
'ab' < 'a'
'ab' <= 'ab'
'b' > 'ab'
{'a': 1}.keys() == {'a': 1}.keys()
{'a': 1}.keys() == {'a': 2}.keys()
{'a': 1}.keys() == {'b': 1}.keys()
{'a': 1}.keys() == ['a']
{'a': 1}.items() == {'a': 1}.items()
{'a': 1}.items() == {'a': 2}.items()
{'a': 1}.values() == {'a': 1}.values()
{}.keys() == {}.items()
dict.keys() == dict.keys()
dict.values() == dict.values()
('a', 1) in {'a': 1}.items()
['a', 1] in {'a': 1}.items()
('a', 2) in {'a': 1}.items()
1 in {'a': 1}.values()
2 in {'a': 1}.values()
'a' in {'a': 1}.keys()
{'a': 1}.keys() | length
{'a': 1}.values() < {'a': 1}.values()
{'a': 1}.keys() == {'a': 1, 'b': 2}.keys()
{'a': 1}.items() == {'a': 1, 'b': 2}.items()
{'a': [1]}.items() == {'a': [1.0]}.items()
{'a': 1}.keys() == {'a': 1}.items()
{'a': 1}.keys() in [{'a': 2}.keys()]
""".strip("\n").split("\n")

STATEMENTS = [
    "{% for x in list %}{% for y in words %}{{ y }}{% endfor %}{% break %}{% endfor %}",
    "{% for x in list %}{% for y in words %}{{ y }}{% endfor %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in list %}{% for y in words %}{% for z in list %}{{ z }}{% endfor %}{% break %}{% endfor %}{% continue %}a{% endfor %}",
    "{% for x in list %}{% for y in [] %}{% else %}{% break %}{% endfor %}a{% endfor %}b",
    "{% for x in list %}{% for y in [] %}{% else %}{{ x }}{% continue %}{% endfor %}a{% endfor %}b",
    "{% for x in [] %}{% else %}{% break %}{% endfor %}",
    "{% for x in [] %}{% else %}{% continue %}{% endfor %}",
    "{% for x in list %}{% endfor %}{% break %}",
    "{% for x in list %}{% for y in list %}{% endfor %}{% endfor %}{% continue %}",
    "{% for x in list %}{% macro m() %}m{% endmacro %}{{ m() }}{% break %}{% endfor %}",
    "{% for x in list %}{% macro m() %}{% for y in list %}{{ y }}{% break %}{% endfor %}{% endmacro %}{{ m() }}{% continue %}a{% endfor %}",
    "{% macro m() %}{% for y in list %}{{ y }}{% break %}{% endfor %}{% continue %}{% endmacro %}",
    "{% macro m() %}({{ caller() }}){% endmacro %}{% for x in list %}{% call m() %}{{ x }}{% endcall %}{% break %}{% endfor %}",
    "{% macro m() %}({{ caller() }}){% endmacro %}{% for x in list %}{% call m() %}{% break %}{% endcall %}{% endfor %}",
    "{% macro m() %}({{ caller() }}){% endmacro %}{% for x in list %}{% call m() %}{% for y in list %}{{ y }}{% break %}{% endfor %}{% endcall %}{% continue %}a{% endfor %}",
    "{% for x in list %}{% generation %}{{ x }}{% endgeneration %}{% break %}{% endfor %}",
    "{% for x in list %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
    "{% for x in list %}{% generation %}{% for y in list %}{{ y }}{% continue %}{% endfor %}{% endgeneration %}{% break %}{% endfor %}",
    "{% for x in list %}{% with a = x %}{{ a }}{% break %}{% endwith %}{% endfor %}",
    "{% for x in list %}{% with a = x %}{{ a }}{% continue %}{% endwith %}b{% endfor %}c",
    "{% for x in list %}{% set a %}{{ x }}{% endset %}{{ a }}{% break %}{% endfor %}",
    "{% for x in list %}{% filter upper %}a{% endfilter %}{% break %}{% endfor %}",
    "{% for x in list %}a{% filter upper %}b{% break %}{% endfilter %}c{% endfor %}d",
    "{% for x in list %}a{% set q %}b{% continue %}{% endset %}c{% endfor %}d",
    "{% for x in list %}a{% set q %}b{% break %}{% endset %}c{{ q }}{% endfor %}d{{ q }}",
    "{% for x in list if x != 2 %}{% for y in list if y != 3 %}{{ y }}{% endfor %}{% if x == 3 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% set ns = namespace(q='x') %}{% for x in list %}{% set ns.q %}b{% break %}{% endset %}{% endfor %}{{ ns.q }}",
    "{% for x in list %}{% set q %}{% filter upper %}a{% if x == 1 %}{% break %}{% endif %}{% endfilter %}{% endset %}{{ q }}{{ x }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{% break %}",
    "{% for x in list %}{% generation %}{% endgeneration %}{% endfor %}{% continue %}",
    "{% for group in people | groupby('name') %}{{ group.grouper }}:{{ group.list | length }};{% endfor %}",
    "{% for name, items in people | groupby('name') %}{{ name }}:{{ items | length }};{% endfor %}",
]
