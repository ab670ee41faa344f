"""Expressions and statements for what record.py and combinations.py leave out: defaults, edges, and what is refused."""

EXPRESSIONS = r"""
'ΑΣ'.swapcase()
'ΑΣ Σ ΑΣΑ ΣΣ'.swapcase()
"ΑΣ' ΑΣ'Α Α'Σ ʰΣ ςΣς".swapcase()
'ΑΣ'.title()
"ΑΣ ΣΑΣ ΑΣ'Α Α'Σ ΣΣ".title()
'ΑΣ'.capitalize()
'ΣΑΣ ΑΣ'.capitalize()
'ΑΣ ΣΑΣ' | title
'ΑΣ ΣΑΣ' | capitalize
'ΑΣ ΣΑΣ' | lower
[1, 2] | sort(reverse='text')
[1, 2] | sort(reverse=1.0)
[1, 2] | sort(reverse=2)
[1, 2] | sort(reverse=none)
[] | sort(reverse=[])
{'b': 1, 'a': 2} | dictsort(reverse='x')
{'b': 1, 'a': 2} | dictsort(reverse=1)
5 is filter
none is filter
[] is filter
{} is test
1.5 is test
('upper' | safe) is filter
('upper' | safe) is test
[1, 2, 3] | batch('a') | list
[1, 2, 3] | batch(1.5) | list
[1, 2, 3] | batch(2.0) | list
[1, 2, 3] | batch(true) | list
[1, 2, 3] | batch(none) | list
[1, 2, 3] | batch(0) | list
[1, 2, 3] | batch(-1, 'x') | list
[] | batch('a', 'x') | list
[1, 2, 3] | batch('a', 'x') | list
'a'.ljust(4) ~ '|' ~ 'a'.rjust(4) ~ '|' ~ 'a'.center(4) ~ '|' ~ 'a'.center(5) ~ '|' ~ 'ab'.center(5) ~ '|'
'a'.ljust(4, '*') ~ 'a'.rjust(4, '😀') ~ 'a'.center(4, '-')
'a'.ljust(4, '')
'a'.rjust(4, 'xy')
'abc'.removesuffix('x') ~ 'abc'.removesuffix('bc') ~ 'abc'.removesuffix('') ~ 'abc'.removeprefix('x') ~ 'abc'.removeprefix('ab')
'abcabc'.removesuffix('ab') ~ 'abcabc'.removeprefix('bc')
'-5'.zfill(4) ~ '+5'.zfill(4) ~ '5'.zfill(4) ~ '--5'.zfill(5) ~ ''.zfill(2) ~ 'abc'.zfill(3)
'a\tb'.expandtabs() ~ '|' ~ 'a\tb'.expandtabs(4) ~ '|' ~ 'a\tb\n\tc'.expandtabs(3) ~ '|' ~ 'a\tb'.expandtabs(0) ~ '|' ~ 'abcdefgh\ti'.expandtabs()
'hello'.startswith(('x', 'he')) ~ 'hello'.startswith(()) ~ 'hello'.startswith('') ~ 'hello'.startswith('e', 1) ~ 'hello'.startswith('e', 1, 1)
'hello'.startswith('', 5) ~ 'hello'.startswith('', 6) ~ 'hello'.startswith('l', -2) ~ 'hello'.startswith('lo', -2, -1)
'hello'.endswith(('x', 'lo')) ~ 'hello'.endswith('l', 0, 4) ~ 'hello'.endswith('l', 4) ~ 'hello'.endswith('') ~ 'hello'.endswith('', 6)
'hello'.startswith(['he'])
'hello'.endswith(1)
'hello'.startswith(('x', 1))
'hello'.count('l') ~ 'hello'.count('l', 3) ~ 'hello'.count('l', 0, 3) ~ 'hello'.count('') ~ 'hello'.count('', 2) ~ 'aaaa'.count('aa') ~ 'hello'.count('x', 9)
'hello'.find('l') ~ 'hello'.find('l', 3) ~ 'hello'.find('l', 4) ~ 'hello'.rfind('l') ~ 'hello'.rfind('l', 0, 3) ~ 'hello'.find('') ~ 'hello'.rfind('') ~ 'hello'.find('', 9)
'😀b😀'.find('b') ~ '😀b😀'.rfind('😀') ~ '😀b😀'.find('😀', 1) ~ '😀b😀'.index('b', 1, 2)
'hello'.index('x')
'hello'.rindex('h', 1)
'hello'.rindex('l') ~ 'hello'.index('l') ~ 'hello'.rindex('l', 0, 3) ~ 'hello'.index('') ~ 'hello'.rindex('')
'a-b-c'.partition('-') ~ 'a-b-c'.rpartition('-') ~ 'abc'.partition('-') ~ 'abc'.rpartition('-')
'a'.partition('')
'a'.split('')
'a b  c '.split() ~ 'a b  c '.split(' ') ~ ' a b c'.split(maxsplit=1) ~ 'a,b,c'.split(',', 1) ~ 'a,b,c'.split(',', 0) ~ ''.split() ~ ''.split(',')
'a b  c '.rsplit(maxsplit=1) ~ 'a,b,c'.rsplit(',', 1) ~ 'a--b--c'.rsplit('--', 1) ~ 'a,b,c'.rsplit(',', 5) ~ 'a,b,c'.rsplit(',') ~ ' a '.rsplit()
' a b c '.split(None, 0) ~ ' a b c '.split(none, 2) ~ ' a  b'.split(maxsplit=5)
'one\ntwo\r\nthree'.splitlines() ~ 'one\n'.splitlines(true) ~ 'a\r\nb\rc\n'.splitlines(true) ~ ''.splitlines() ~ '\n'.splitlines()
'aXbX'.replace('X', 'y', 1) ~ 'aXbX'.replace('X', 'y', 0) ~ 'aXbX'.replace('X', 'y', -1) ~ 'ab'.replace('', '-') ~ 'ab'.replace('', '-', 2) ~ ''.replace('', '-')
'xxabcxx'.strip('x') ~ 'xxabcxx'.lstrip('x') ~ 'xxabcxx'.rstrip('x') ~ 'abc'.strip('cb') ~ ' a '.lstrip() ~ '|' ~ ' a '.rstrip() ~ '|'
'abc'.strip(1)
'a'.join(['x', 'y']) ~ ','.join('abc') ~ ','.join([]) ~ ','.join(('a',)) ~ ','.join({'k': 1})
'a'.join(['x', 1])
'straße'.casefold() ~ 'ΣΑΣ'.casefold() ~ 'ΣΑΣ'.lower() ~ 'ŉx'.title() ~ 'ǆ'.capitalize() ~ 'ﬁ'.upper()
"they're bill's".title() ~ "they're bill's".capitalize() ~ 'HELLO'.capitalize() ~ ''.capitalize() ~ 'aB'.swapcase() ~ 'x1y'.title()
'abc'.isalpha() ~ 'ab1'.isalpha() ~ ''.isalpha() ~ 'ab1'.isalnum() ~ 'ab '.isalnum() ~ ''.isascii() ~ 'é'.isascii() ~ 'ab'.isascii()
'12'.isdigit() ~ '²'.isdigit() ~ '²'.isdecimal() ~ '½'.isnumeric() ~ '½'.isdigit() ~ '٣'.isdecimal() ~ '1.5'.isdigit() ~ '-1'.isdigit() ~ ''.isdigit()
'abc'.isidentifier() ~ '1a'.isidentifier() ~ '_'.isidentifier() ~ 'a b'.isidentifier() ~ ''.isidentifier() ~ 'é'.isidentifier()
'abc'.islower() ~ 'aBc'.islower() ~ '1'.islower() ~ 'a1'.islower() ~ 'ABC'.isupper() ~ 'A1'.isupper() ~ '1'.isupper() ~ 'ǅ'.isupper() ~ 'ǅ'.islower()
' \t'.isspace() ~ ''.isspace() ~ ' a'.isspace() ~ '\u00a0'.isspace() ~ '\u200b'.isspace() ~ 'a b'.isprintable() ~ 'a\n'.isprintable() ~ ''.isprintable() ~ '\u00a0'.isprintable()
'Hello World'.istitle() ~ 'Hello world'.istitle() ~ 'HELLO'.istitle() ~ ''.istitle() ~ '1'.istitle() ~ 'A1b'.istitle() ~ 'A1B'.istitle() ~ 'ǅa'.istitle()
'abc'.upper(1)
'abc'.center()
'abc'.nope
'abc'.nope()
[1, 2, 1].count(1) ~ [1, 2, 1].index(2) ~ (1, 2).count(3) ~ (1, 2, 2).index(2) ~ [1, [2]].count([2])
[1].index(5)
(1,).index(5)
{'a': 1}.get('a') ~ {'a': 1}.get('b') ~ {'a': 1}.get('b', 2) ~ {'a': none}.get('a', 2) ~ {'a': 1}.keys() ~ {'a': 1}.values() ~ {'a': 1}.items() ~ {}.items()
{'a': 1}.get()
{'a': 1}.get('a', default=1)
{'a': 1}.keys(1)
{'a': 1}.pop('a')
[1].append(2)
[1].clear()
[1].extend([2])
[1].insert(0, 2)
[1].pop()
[1].remove(1)
[1].reverse()
{'a': 1}.clear()
{'a': 1}.popitem()
{'a': 1}.setdefault('a')
{'a': 1}.update({})
10 ** 400 * 1.0
10 ** 400 | float
[3, 1].sort()
(1.5).is_integer() ~ (2.0).is_integer() ~ (5).bit_length() ~ (0).bit_length() ~ (-8).bit_length() ~ (255).bit_length()
list[0] ~ list[-1] ~ list[3] ~ list[-4] ~ list[true] ~ list['x'] ~ text[0] ~ text[-1] ~ text[99] ~ (1, 2)[1] ~ (1, 2)[2]
list[1.0] ~ list[none] ~ dict['nope'] ~ dict[1] ~ keyed['10'] ~ keyed[10]
list[1:] ~ list[:-1] ~ list[::-1] ~ list[::2] ~ list[5:] ~ list[-2:] ~ list[2:0:-1] ~ list[:0:-1] ~ list[-9:9] ~ list[1:1]
'abcdef'[1:4] ~ 'abcdef'[::-1] ~ 'abcdef'[::2] ~ 'abcdef'[-3:] ~ 'a😀c'[1:2] ~ 'a😀c'[::-1] ~ 'abcdef'[4:1:-2] ~ 'abcdef'[10:] ~ 'abcdef'[:-10]
(1, 2, 3)[::-1] ~ (1, 2, 3)[1:] ~ (1, 2, 3)[:1] ~ ()[:]
list[::0]
list['a':]
none[0] ~ none.x
none.x.y
undefined_name.x
undefined_name[0]
7 // 2 ~ ' ' ~ -7 // 2 ~ ' ' ~ 7 // -2 ~ ' ' ~ -7 % 3 ~ ' ' ~ 7 % -3 ~ ' ' ~ 7.5 // 2 ~ ' ' ~ -7.5 // 2 ~ ' ' ~ -7.5 % 2 ~ ' ' ~ 7.5 % -2 ~ ' ' ~ 6 / 4 ~ ' ' ~ 6 / 3
2 ** 10 ~ ' ' ~ 2 ** -1 ~ ' ' ~ 2 ** 0.5 ~ ' ' ~ (-2) ** 3 ~ ' ' ~ 0 ** 0 ~ ' ' ~ 2.0 ** 3 ~ ' ' ~ -2 ** 2
1 / 0
1 // 0
1 % 0
1.0 / 0
1.0 // 0
1.0 % 0
0 ** -1
true + true ~ true * 3 ~ -true ~ +false ~ true / 2 ~ 'ab' * 2 ~ 2 * 'ab' ~ [1] * 2 ~ 'a' * -1 ~ (1,) * 2 ~ 'a' * true ~ [0] * 0
'a' + none
[1] + (2,)
'a' * 1.5
none + 1
-'a'
+none
1 < 2 < 3 ~ 1 < 3 < 2 ~ (1 == 1.0) ~ (true == 1) ~ ('a' < 'b') ~ ([1, 2] < [1, 3]) ~ ((1,) < (1, 2)) ~ ('a' < 'B') ~ ('' < 'a') ~ ('a' <= 'a') ~ ('z' > 'é')
1 < 'a'
none < 1
undefined_name < 1
1 >= undefined_name
undefined_name + 1
1 * undefined_name
-undefined_name
undefined_name in 'abc'
undefined_name | abs
undefined_name | int
undefined_name | float
undefined_name | round
undefined_name | sum
undefined_name | sort
undefined_name | dictsort
undefined_name | first
undefined_name | join('x')
undefined_name | upper
undefined_name | string | length
undefined_name()
undefined_name[1:]
[1] < (1,)
{} < {}
1 in [1.0] ~ 'a' in 'abc' ~ '' in '' ~ 'k' in {'k': 1} ~ 1 in (2,) ~ 2 not in [1] ~ 'x' in undefined_name ~ 1 in range(3) ~ 3 in range(3)
1 in 'abc'
1 in 5
1 in none
(list == [3, 1, 2]) ~ ((1, 2) == (1, 2)) ~ ([1] == (1,)) ~ ({'a': 1} == {'a': 1.0}) ~ ({'a': 1} == {'b': 1}) ~ (none == none) ~ (undefined_name == undefined_name) ~ (range(3) == range(3)) ~ ('a' == 1)
(1 and 0) ~ (0 or 'x') ~ (none or []) ~ ('' and 1) ~ (not 0) ~ (not 'a') ~ (1 if 0 else 2) ~ (1 if 0)
1.0 ~ ' ' ~ 1e16 ~ ' ' ~ 1e15 ~ ' ' ~ 123456789.125 ~ ' ' ~ 0.0001 ~ ' ' ~ 0.00001 ~ ' ' ~ 1e-7 ~ ' ' ~ 1.5e300 ~ ' ' ~ -0.0 ~ ' ' ~ 100.0 ~ ' ' ~ 1e22 ~ ' ' ~ 0.1
["it's", 'a"b', "a'b\"c", 'tab\t', 'nl\n', 'b\\s', '\u00a0', '\u200b', '😀', '\x7f', '\r', 'é']
[none, true, 1.0, (), (1,), {}, {'a': [1]}, range(3), range(1, 3), range(1, 9, 2), {'a': 1}.keys(), namespace(a=1)]
range(3) | list ~ range(1, 4) | list ~ range(5, 0, -2) | list ~ range(0) | list ~ range(3, 1) | list ~ range(true) | list
range(3)[1] ~ range(3)[-1] ~ range(3)[5] ~ range(1, 10, 3) | length ~ range(10, 1, -3) | length ~ range(-3) | length ~ range(10, 1, -3)[1]
range(1, 2, 0)
range()
range(1, 2, 3, 4)
range('a')
range(100000) | length
dict(a=1, b=2) ~ dict({'a': 1}, b=2) ~ dict([('a', 1), ['b', 2]]) ~ dict() ~ dict({'a': 1}, a=3)
dict([1])
dict(['abc'])
dict({}, {})
dict(5)
namespace(a=1).a ~ namespace({'b': 2}).b ~ namespace().x
raise_exception('stop ' ~ 1)
raise_exception()
[1, 2] | sum ~ [1, 2.5] | sum ~ [] | sum ~ [1] | sum(start=10) ~ [{'a': 1}, {'a': 2}] | sum('a') ~ [{'a': 1}] | sum(attribute='a', start=1.5) ~ [[1], [2]] | sum(start=[])
['a'] | sum
['a'] | sum(start='')
[3, 1, 2] | sort ~ [3, 1, 2] | sort(true) ~ ['b', 'A', 'a'] | sort ~ ['b', 'A', 'a'] | sort(case_sensitive=true) ~ people | sort(attribute='age') | map(attribute='name') | list
people | sort(attribute='age,name', reverse=true) | map(attribute='name') | list
[1, 'a'] | sort
[3, 1, 2] | min ~ [3, 1, 2] | max ~ ['b', 'A'] | min ~ ['b', 'A'] | min(true) ~ ['b', 'A'] | max(case_sensitive=true) ~ [] | min ~ (people | max(attribute='age')).name ~ (people | min(attribute='age')).name
['a', 'A', 'b', 1, 1.0, true] | unique | list ~ ['a', 'A'] | unique(true) | list ~ people | unique(attribute='age') | map(attribute='name') | list
[1, 2, 3, 4, 5] | batch(2) | list ~ [1, 2, 3] | batch(2, 0) | list ~ [1, 2] | batch(2, 0) | list ~ [] | batch(2, 0) | list ~ [1, 2, 3] | batch(5) | list
[1, 2, 3, 4, 5] | slice(2) | list ~ [1, 2, 3] | slice(2, 0) | list ~ [1, 2] | slice(2, 0) | list ~ [1] | slice(3) | list ~ [1] | slice(3, 'x') | list ~ [1, 2, 3, 4] | slice(3, 'x') | list
[1] | slice(0) | list
[1, 2] | first ~ [] | first ~ 'ab' | first ~ {} | first ~ {'k': 1} | first ~ [1, 2] | last ~ [] | last ~ 'ab' | last ~ (1, 2) | last ~ {'k': 1, 'l': 2} | last
5 | first
5 | last
none | length
5 | length
[1, 2] | length ~ 'a😀' | length ~ {} | length ~ () | count ~ range(5) | count ~ undefined_name | length
[1, 2] | reverse | list ~ 'a😀b' | reverse ~ (1, 2) | reverse | list ~ {'a': 1, 'b': 2} | reverse | list ~ [] | reverse | list
5 | reverse
'abc' | list ~ {'a': 1} | list ~ (1,) | list ~ undefined_name | list ~ none_list | list
none | list
[1, none, 'a'] | join ~ [1, 2] | join(', ') ~ people | join('/', attribute='name') ~ people | join('/', 'age') ~ [] | join('x') ~ 'abc' | join('-') ~ [[1]] | join ~ [1, 2] | join(0)
undefined_name | default ~ undefined_name | default('x') ~ '' | default('x') ~ '' | default('x', true) ~ 0 | default(1, true) ~ none | default('x') ~ none | d('x', boolean=true) ~ false | d(5) ~ 'a' | d('x', true)
dict | dictsort ~ {'b': 1, 'A': 2} | dictsort ~ {'b': 1, 'A': 2} | dictsort(true) ~ {'b': 1, 'A': 2} | dictsort(by='value') ~ {'b': 1, 'A': 2} | dictsort(false, 'key', true) ~ {} | dictsort
{'b': 1} | dictsort(by='x')
[1] | dictsort
{'a': 1} | items | list ~ {} | items | list ~ undefined_name | items | list
[1] | items | list
people | groupby('age') | list
people | groupby('ok', default='?') | map(attribute=0) | list
people | groupby(attribute='name', case_sensitive=true) | map('first') | list
people | map(attribute='name') | list ~ people | map(attribute='ok', default='?') | list ~ ['a', 'b'] | map('upper') | list ~ ['a'] | map('replace', 'a', 'b') | list ~ [[1, 2]] | map('join', '-') | list ~ [{'a': {'b': [7]}}] | map(attribute='a.b.0') | list ~ [[5, 6]] | map(attribute=1) | list
[1] | map | list
[1] | map('nope') | list
[1] | map(attribute='a', other=1) | list
[0, 1, none, 'a', ''] | select | list ~ [0, 1, 2] | select('odd') | list ~ [0, 1, 2] | reject('odd') | list ~ [0, 1] | reject | list ~ [1, 2, 3] | select('gt', 1) | list ~ [1, 2, 3] | reject('divisibleby', 2) | list ~ [1, 'a'] | select('string') | list
people | selectattr('ok') | map(attribute='name') | list ~ people | rejectattr('ok') | map(attribute='name') | list ~ people | selectattr('age', 'eq', 30) | map(attribute='name') | list ~ people | rejectattr('age', 'equalto', 30) | map(attribute='name') | list ~ people | selectattr('ok', 'defined') | map(attribute='name') | list
people | selectattr | list
[1] | select('nope') | list
{'a': 1} | attr('a') ~ {'a': 1} | attr('items') ~ 'a' | attr('nope') ~ list | attr('x')
undefined_name | attr('a')
-3 | abs ~ 2.5 | abs ~ -2.5 | abs ~ true | abs ~ -0.0 | abs ~ 0 | abs
'a' | abs
none | abs
'42' | int ~ ' 42 ' | int ~ '4_2' | int ~ 'x' | int ~ 'x' | int(7) ~ '0x1A' | int(base=16) ~ '1A' | int(0, 16) ~ '0b11' | int(base=2) ~ '0o17' | int(base=8) ~ '1.9' | int ~ -1.9 | int ~ true | int ~ none | int ~ none | int(3) ~ '1e3' | int ~ '-5' | int ~ '+5' | int ~ '' | int(9) ~ '٣' | int ~ [] | int(1) ~ 'inf' | int(2) ~ '1_' | int(4)
'1.5' | float ~ ' 1e3 ' | float ~ 'x' | float ~ 'x' | float(2.5) ~ '.5' | float ~ '5.' | float ~ '1_0.5' | float ~ 'inf' | float ~ '-Infinity' | float ~ 'nan' | float ~ 3 | float ~ true | float ~ none | float ~ [] | float(1) ~ '' | float ~ '1e' | float ~ '٣.٥' | float ~ '-.5e-2' | float
2.5 | round ~ 3.5 | round ~ 2.675 | round(2) ~ -2.5 | round ~ 1234 | round(-2) ~ 1250 | round(-2) ~ 1350 | round(-2) ~ 1250.0 | round(-2) ~ -1250 | round(-2) ~ 2.1 | round(method='ceil') ~ -2.1 | round(0, 'ceil') ~ 2.19 | round(1, 'floor') ~ 5 | round ~ 5 | round(1) ~ true | round ~ 42.55 | round(1, 'ceil') ~ 5 | round(0, 'floor') ~ 1e300 | round(2) ~ 0.5 | round ~ 1.5 | round ~ -0.4 | round ~ 15 | round(-1) ~ 25 | round(-1) ~ 5.5 | round(-1) ~ -15.0 | round(-1) ~ -0.5 | round(-1) ~ 0.0 | round(-1) ~ 49 | round(-2) ~ 50 | round(-2) ~ 51 | round(-2)
2.5 | round(method='x')
'a' | round
2.5 | round('a')
999 | filesizeformat ~ ' ' ~ 1000 | filesizeformat ~ ' ' ~ 1 | filesizeformat ~ ' ' ~ 0 | filesizeformat ~ ' ' ~ 1024 | filesizeformat(true) ~ ' ' ~ 1023 | filesizeformat(true) ~ ' ' ~ 1500000 | filesizeformat ~ ' ' ~ 999999 | filesizeformat ~ ' ' ~ '2048' | filesizeformat(binary=true) ~ ' ' ~ 1e27 | filesizeformat ~ ' ' ~ 1.5 | filesizeformat ~ ' ' ~ 1000000 | filesizeformat ~ ' ' ~ 1048576 | filesizeformat(true) ~ ' ' ~ 1e24 | filesizeformat ~ ' ' ~ 1e21 | filesizeformat ~ ' ' ~ 1e15 | filesizeformat
'x' | filesizeformat
' a ' | trim ~ '|' ~ 'xax' | trim('x') ~ '|' ~ 5 | trim ~ '|' ~ none | trim ~ '|' ~ 'xyax' | trim(chars='yx')
'a' | center(5) ~ '|' ~ 'a' | center ~ '|' ~ 5 | center(4) ~ '|'
'hello world' | title ~ 'a-b (c) [d] {e} <f> g' | title ~ "it's" | title ~ 'HELLO' | title ~ 5 | title ~ 'hello WORLD' | capitalize ~ 'ab' | upper ~ 'AB' | lower ~ 1.5 | upper ~ none | lower
'aXbXc' | replace('X', '-') ~ 'aXbXc' | replace('X', '-', 1) ~ 121 | replace(1, 3) ~ 'a' | replace('', '-') ~ 'aa' | replace('a', 'b', count=1) ~ 'aa' | replace('a', 'b', 0)
'<a & "b">' | e ~ ('<' | safe | e) ~ ('<' | e | e) ~ ('<' | e | forceescape) ~ ('<' | safe) ~ ("'" | escape) ~ (5 | e) ~ (none | e)
'%s-%d' | format('a', 1) ~ '%(a)s' | format(a=1) ~ '%%' | format ~ '%5.1f|%-4s|%04d|%x|%+d|%r' | format(1.25, 'a', 7, 255, 3, 'q')
'%s' | format('a', b=1)
'%s' | format
'%d' | format('a')
'%s' | format(1, 2)
'a\nb' | indent ~ '|' ~ 'a\nb' | indent(2) ~ '|' ~ 'a\nb' | indent(2, true) ~ '|' ~ 'a\n\nb' | indent(2) ~ '|' ~ 'a\n\nb' | indent(2, blank=true) ~ '|' ~ 'a\nb' | indent('> ') ~ '|' ~ 'a\nb\n' | indent(1) ~ '|' ~ '' | indent(2, true) ~ '|' ~ 'a\n' | indent(1, false, true) ~ '|'
'hello world foo' | truncate(11) ~ '|' ~ 'hello world foo' | truncate(9) ~ '|' ~ 'hello world foo' | truncate(9, true) ~ '|' ~ 'hello world foo' | truncate(9, false, '…') ~ '|' ~ 'hello world foo' | truncate(9, leeway=0) ~ '|' ~ 'hello world foo' | truncate(10, false, '...', 4) ~ '|' ~ 'hello world foo' | truncate ~ '|' ~ 'helloworldfoo' | truncate(5, false, '') ~ '|' ~ ('a' * 260) | truncate | length ~ '|' ~ ('a' * 261) | truncate | length ~ '|' ~ 'hello world foo' | truncate(15, leeway=0) ~ '|' ~ 'hello world foo' | truncate(14, leeway=0)
'abcdefghijk' | truncate(2)
'abcdefghijk' | truncate(5, leeway=-1)
'a b_c d-e 1' | wordcount ~ '' | wordcount ~ 'é 中文' | wordcount ~ 5 | wordcount
'a b/c?d=é&(x)!*~' | urlencode ~ ' ' ~ {'a b': 'c/d', 'e': 1} | urlencode ~ ' ' ~ [('a', 1), ['b', 'x y']] | urlencode ~ ' ' ~ 5 | urlencode ~ ' ' ~ "a'b\x1f\x0f" | urlencode ~ ' ' ~ '' | urlencode ~ ' ' ~ '-_.~+%' | urlencode
dict | tojson ~ list | tojson(indent=2) ~ {'b': 1, 'a': 2} | tojson(sort_keys=true) ~ {'a': [1, {}], 'b': []} | tojson(indent=1) ~ 'é<' | tojson(ensure_ascii=true) ~ [1, 2] | tojson(separators=(',', ':')) ~ {'a': 1} | tojson(separators=[';', '=']) ~ [1] | tojson(indent='--') ~ [1, {'a': 2}] | tojson(indent=0) ~ (1, 2) | tojson ~ '😀' | tojson(true)
{1: 'a', 1.5: 'b', true: 'c', none: 'd'} | tojson ~ '"\\\b\f\n\r\t\x01' | tojson ~ 1.0 | tojson ~ 1e16 | tojson ~ none | tojson ~ true | tojson ~ ('inf' | float) | tojson ~ ('nan' | float) | tojson ~ ('-inf' | float) | tojson
undefined_name | tojson
range(3) | tojson
[1] | tojson(separators=(',',))
[1] | tojson(indent=1.5)
5 is odd ~ 4 is even ~ 5.0 is odd ~ true is odd ~ -1 is odd ~ 0 is even ~ 6 is divisibleby 3 ~ 7 is divisibleby(3) ~ 7.5 is divisibleby 2.5
'a' is odd
5 is divisibleby 0
5 is integer ~ true is integer ~ 5.0 is integer ~ 5.0 is float ~ 5 is float ~ true is number ~ 'a' is number ~ 5 is number ~ true is boolean ~ 1 is boolean ~ false is false ~ 0 is false ~ true is true ~ 1 is true
none is none ~ undefined_name is none ~ undefined_name is undefined ~ none is undefined ~ none is defined ~ undefined_name is defined
'a' is string ~ 5 is string ~ ('a' | safe) is string ~ ('a' | e) is escaped ~ 'a' is escaped ~ {} is mapping ~ [] is mapping ~ [] is sequence ~ 'a' is sequence ~ {} is sequence ~ () is sequence ~ 5 is sequence ~ none is sequence ~ range(2) is sequence ~ ([] | map('upper')) is sequence ~ undefined_name is sequence
[] is iterable ~ 'a' is iterable ~ 5 is iterable ~ none is iterable ~ {} is iterable ~ range(2) is iterable ~ ([] | map('upper')) is iterable ~ undefined_name is iterable ~ namespace() is iterable
range is callable ~ 5 is callable ~ 'a'.upper is callable ~ [] is callable ~ dict.get is callable ~ undefined_name is callable
'abc' is lower ~ 'Abc' is lower ~ 'ABC' is upper ~ '1' is lower ~ '' is lower ~ none is upper ~ 5 is lower
[1 is eq 1.0, 1 is ne 2, 1 is ne 1, 1 is lt 2, 2 is lt 2, 2 is le 2, 3 is le 2, 3 is gt 2, 2 is gt 2, 3 is ge 3, 2 is ge 3, 1 is equalto 1, 1 is lessthan 1, 2 is greaterthan 1, 1 is in [1], 'a' is in 'abc', none is sameas none, true is sameas true, true is sameas 1]
[1 is not odd, 1 is not in [2], not 1 is odd, not 2 is odd]
1 is eq
1 is odd(2)
1 is nope
'upper' is filter ~ 'nope' is filter ~ 'odd' is test ~ 'nope' is test ~ 'pprint' is filter
'{} {}'.format(1, 'a') ~ '{1} {0}'.format(1, 2) ~ '{a}'.format(a=1) ~ '{0.x}'.format({'x': 1}) ~ '{0[x]}'.format({'x': 1}) ~ '{0[1]}'.format([1, 2]) ~ '{{}}'.format() ~ '{!r}'.format('a') ~ '{!s:>4}'.format('a') ~ '{:>{}}'.format('a', 4)
'{:5}|{:<5}|{:>5}|{:^5}|{:*^5}|{:05}|{:+}|{: }|{:-}'.format('a', 'b', 'c', 'd', 'e', 7, 8, 9, -1)
'{:x} {:X} {:o} {:b} {:#x} {:#X} {:#o} {:#b} {:d} {:f} {:.2f} {:F} {:%} {:.0%} {:#06x}'.format(255, 255, 8, 5, 255, 255, 8, 5, 3, 1.5, 2.345, 1.0, 0.25, 0.255, 255)
'{:5}|{:<5}|{:^5}|{:=+5}|{:05.1f}|{:>+8.2f}|{:s}|{:.2}|{}'.format(5, 5, 5, 5, 2.25, 3.14159, 'ab', 'abc', none)
'{:5}'.format(none)
'{:5zz}'.format(1)
'{:5 }'.format(1)
'{:x5}'.format(1)
'{:>>5}{:*<3}'.format('a', 1)
'{:s}'.format(1)
'{:,}'.format('a')
'{:5}'.format([1])
'{:d}'.format(1.5)
'{:q}'.format(1)
'{:q}'.format(true)
'{} {0}'.format(1, 2)
'{0} {}'.format(1, 2)
'{0} {a} {1}'.format(1, 2, a=3) ~ '{} {a} {}'.format(1, 2, a=3)
'{a} {} {0}'.format(1, 2, a=3)
'{}'.format()
'{a}'.format()
'}'.format()
'%s %s' % ('a', 1) ~ '%s' % [1] ~ '%(a)s %(b)d' % {'a': 1, 'b': 2} ~ '%%' % () ~ '%s' % 'x' ~ '%.2s' % 'abc' ~ '%5s|%-5s|' % ('a', 'b') ~ '%c%c' % ('a', 98) ~ '%i %u' % (1.9, -1.9)
'%5d|%-5d|%05d|%+d|% d|%.3d|%x|%X|%o|%#x|%#o|%5.1f|%-8.2f|%08.2f|%f|%F' % (1, 2, 3, 4, 5, 6, 255, 255, 8, 255, 8, 1.25, 2.5, -3.5, 0.5, 1.0)
'%s %s' % ('a',)
'%s' % (1, 2)
'%(a)s' % {'b': 1}
'%(a)s' % 5
'%' % ()
'%z' % 1
'%d' % none
'%c' % 'ab'
'%c' % -1
'%c' % 1114112
'a' 'b' ~ "c" 'd' ~ 'a\x41\u00e9\U0001F600\101\0' ~ 'a\qb'
'\x4'
'\u12'
'\U00110000'
0x1F ~ 0b101 ~ 0o17 ~ 1_000 ~ 1_0.5 ~ 1e3 ~ 1E-2 ~ 00 ~ 1.5e+2
01
1.
.5
(1, 2,) ~ () ~ (1) ~ [1, 2,] ~ {'a': 1,} ~ [] ~ {}
list.0 ~ people.0.name ~ people[0]['name'] ~ text.upper() ~ dict.items ~ dict.b
'a' if yes else 'b' ~ ('c' if no) ~ ('d' if no else 'e' if yes else 'f')
1 if undefined_name
list | map('string') | join('') | upper | length
-2 | abs ~ (-2) | abs ~ - 2 | abs
not no and no ~ (not no) ~ (no or not yes and yes)
1 + 2 ~ 3 * 4 ~ 'a' ~ 5 - 1
2 * 3 % 4 ~ 2 + 3 * 4 ~ (2 + 3) * 4 ~ 10 - 2 - 3 ~ 2 ** 3 ** 2
dict(**{'a': 1}) ~ dict(*[{'b': 2}]) ~ '{} {x}'.format(*[1], **{'x': 2}) ~ range(*[1, 3]) | list
range(*1)
dict(**1)
range(1, *[3], *[1])
f(a=1, 2)
none()
5()
'a'()
text.nope()
list.nope
1 | nope
1 | upper(1)
1 | default(1, 2, 3)
1 | batch
[(empty ~ 'inf') | float | filesizeformat, (empty ~ 'nan') | float | filesizeformat(true)]
(empty ~ '-inf') | float | filesizeformat
-1e22 | filesizeformat
2048 | filesizeformat(none) ~ 2048 | filesizeformat('x')
'yes' if (empty ~ 'nan') | float else 'no'
(empty ~ 'inf') | float | int(7)
'inf' | int(7) ~ '-inf' | int(8) ~ (empty ~ 'nan') | float | int(9)
(() is sameas(())) ~ (() is sameas([])) ~ (() is sameas((1,))) ~ ('a' is sameas none) ~ (none is sameas 1) ~ (yes is sameas 'a')
words | urlencode
[[1, 2, 3]] | urlencode
[('a', 'b c'), ['d', 1]] | urlencode
'%5%' % ()
'%5%' % 1
'{:.2}'.format(3)
'{:>5}'.format(undefined_name)
[text.find('H', -50), text.rfind('H', -50, -1), text.count('l', -50), text.startswith('H', -50)]
'ab'.center(-9007199254740991)
'ab'.startswith(1, 9)
'ab'.endswith(none, 9)
'ab'.count(1, 9)
'a\nb'.splitlines(none)
'a\nb'.splitlines(2) ~ 'a\nb'.splitlines(0)
yes.bit_length() ~ no.bit_length() ~ 5.bit_length()
keyed.keys() in keyed
namespace(undefined_name)
dict(undefined_name)
range(none)
range(1, none)
range(none, 3, 2)
'a' is filter(1)
'a' is test(1)
list.count()
list.copy(1)
dict.copy(1)
""".strip("\n").split("\n")

STATEMENTS = [
    "{% macro f(a, b=2) %}{{ a }}{% endmacro %}{{ [f.name, f.arguments, f.catch_kwargs, f.catch_varargs, f.caller] }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{{ caller() }}{% endmacro %}{{ [f.name, f.arguments, f.catch_kwargs, f.catch_varargs, f.caller] }}",
    "{% macro f() %}{{ caller.name }}{{ caller.arguments }}{{ caller('x') }}{% endmacro %}{% call(a) f() %}{{ a }}{% endcall %}{{ f.nope is defined }}",
    "{% macro caller() %}{% endmacro %}{{ caller.name }}",
    "{% macro m(a, b=2, *c) %}{% endmacro %}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}",
    "{% macro m(a, b=1, c=2) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, c=5) }}{{ m(1, 2, 3, 4, d=5) }}{{ m() }}",
    "{% macro m(a, caller=none) %}{{ caller is none }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ caller is defined }}{{ kwargs }}{% endmacro %}{{ m() }}{% call m() %}x{% endcall %}{% call m(z=1) %}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}",
    "{% macro m() %}{{ caller(1) }}{% endmacro %}{% call m() %}y{% endcall %}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m(a, b) %}{{ a }}{% endmacro %}{{ m(1, 2, a=3) }}",
    "{% macro m() %}{% endmacro %}{{ m(q=1) }}",
    "{% macro m() %}a{% endmacro %}{{ m() ~ m() }}",
    "{% for x in [1, 2, 3] %}{{ loop.revindex0 }}{{ loop.revindex }}{{ loop.nextitem }}{{ loop.previtem }}{{ loop.last }},{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }}{% endfor %}{% for x in [1, 2] %}{{ loop.changed(x, 1) }}{% endfor %}",
    "{% for x in [1, 2, 3, 4] %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %}",
    "{% for x in [1] %}{{ loop.cycle() }}{% endfor %}",
    "{% for x in [1, 2] %}{{ loop.nope }}{% endfor %}{% for x in [1] %}{% for y in [1] %}{{ loop.depth }}{% endfor %}{% endfor %}",
    "{% for x in [1, 2, 3] | map('string') %}{{ loop.index }}{{ loop.last }}{{ x }}{% endfor %}",
    "{% for x in [1, 2, 3, 4] if x is even %}{{ loop.index }}:{{ x }}/{{ loop.length }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }} {% else %}none{% endfor %}",
    "{% for x in [1] if x > 5 %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in [1, 2] %}{% set y = x %}{% if loop.first %}{% continue %}{% endif %}{{ y }}{% endfor %}{{ y }}{{ x }}",
    "{% for x in [1, 2, 3] %}{% for y in [1, 2] %}{% if y == 2 %}{% continue %}{% endif %}{{ x }}{{ y }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}-{% endfor %}",
    "{% for x in [1, 2, 3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% else %}e{% endfor %}",
    "{% for (a, b), c in [[[1, 2], 3]] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% set (a, b) = (1, 2) %}{{ a }}{{ b }}",
    "{% set a.b = 1 %}",
    "{% set ns = namespace() %}{% set ns.x = 1 %}{% set ns.y %}z{% endset %}{{ ns.x }}{{ ns.y }}{{ ns.q is defined }}",
    "{% set x | upper | replace('A', 'b') %}aa{% endset %}{{ x }}",
    "{% filter upper | trim %} a {% endfilter %}|{% filter indent(2, true) %}a\nb{% endfilter %}",
    "{% filter nope %}a{% endfilter %}",
    "{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}",
    "{% if no %}a{% elif no %}b{% elif yes %}c{% else %}d{% endif %}{% if no %}a{% endif %}{% if yes %}{% else %}x{% endif %}",
    "{% if [] %}a{% endif %}{% if '' %}b{% endif %}{% if 0.0 %}c{% endif %}{% if {} %}d{% endif %}{% if none %}e{% endif %}{% if undefined_name %}f{% endif %}{% if range(0) %}g{% endif %}{% if 'x' | safe %}h{% endif %}{% if () %}i{% endif %}{% if [0] %}j{% endif %}",
    "{% raw %}{{ a }}{% if %}{% endraw %}|{%- raw %} b {% endraw -%} c",
    "{% raw %}x",
    "a {#- b -#} c {# d #}\n{# e -#}\n f {#+ g +#}\nh",
    "  {%- if yes %} a {%- endif %} b\n\n{% if yes %}\n\nc\n{% endif %}\nd",
    "{% set x = 1 -%}   \n  a{{ x -}}   b {{- x }}",
    "{% if yes -%}\n a\n{%- else -%}\n b\n{%- endif %}",
    "\n\n{{ 1 }}\n\n",
    "{{ 1 }}\n",
    "{% if yes %}{% endfor %}",
    "{% for x in list %}",
    "{% macro %}{% endmacro %}",
    "{% macro m %}{% endmacro %}",
    "{% set %}",
    "{% set x %}",
    "{% for x %}{% endfor %}",
    "{% for in x %}{% endfor %}",
    "{% for x in list %}{% continue 1 %}{% endfor %}",
    "{% continue %}",
    "{% macro m() %}{% break %}{% endmacro %}",
    "{% for x in list %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% call 5 %}{% endcall %}",
    "{% else %}",
    "{% elif x %}",
    "{% if yes %}{% else %}{% elif no %}{% endif %}",
    "{% with a %}{% endwith %}",
    "{% set a = %}",
    "{{ [1, 2 }}",
    "{{ {'a' 1} }}",
    "{{ {'a': } }}",
    "{{ 1 ] }}",
    "{{ a..b }}",
    "{{ a.'b' }}",
    "{{ a[ }}",
    "{{ a[1:2:3:4] }}",
    "{{ f(a b) }}",
    "{{ f(**a, b) }}",
    "{{ f(*a, b) }}",
    "{{ f(**a, **b) }}",
    "{{ 1 is }}",
    "{{ 1 | }}",
    "{{ 1 if }}",
    "{{ not }}",
    "{{ $ }}",
    "{{ 'a }}",
    "{% set x = 'a %}",
    "{{ }}",
    "{{ 1 2 }}",
    "{{ 1 =1 }}",
    "{{ a = 1 }}",
    "\n\n{{ 1 + }}",
    "a\r\nb\r{{ nope( }}",
]
