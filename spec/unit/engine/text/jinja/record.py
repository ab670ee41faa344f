"""Records what jinja2 renders, in the environment that transformers makes for chat templates.

Run as `python3 spec/unit/engine/text/jinja/record.py` with jinja2 installed; it rewrites jinja2.json beside it, which
`npm run format` then lays out.
"""

import json
import platform
import sys
from pathlib import Path

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

import combinations
import details
import structures

VARIABLES = r"""{
  "none": null, "yes": true, "no": false, "zero": 0, "one": 1, "neg": -7, "big": 9223372036854775807,
  "huge": 123456789012345678901234567890, "half": 0.5, "whole": 1.0, "tiny": 0.00001, "large": 1e16, "pi": 3.14159,
  "negfloat": -2.5, "empty": "", "text": "Hello, World", "spaced": "  \u00a0a b\tc\n\u2003", "feff": "\ufeffx\ufeff",
  "uni": "é中😀ß", "quote": "it's \"q\"", "lines": "one\r\ntwo\n\nthree\u2028four", "control": "\u0000\u0007\u007f\u0085\u200b",
  "title": "hello wORLD o'neil ǆx ﬁsh", "html": "<a href='x'>&\"</a>",
  "list": [3, 1, 2], "mixed": [1, 1.0, true, "a", null, [2], {"k": "v"}], "words": ["b", "A", "a", "C"], "none_list": [],
  "dict": {"b": 1, "a": [1, 2.5], "C": {"x": null}, "items": "own"}, "keyed": {"10": "x", "9": "y", "a": "z"}, "empty_dict": {},
  "people": [{"name": "Ann", "age": 30, "ok": true}, {"name": "bob", "age": 25}, {"name": "Cid", "age": 30, "ok": false}],
  "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": null}]
}"""

# Expressions are rendered as {{ … }}.
EXPRESSIONS = r"""
none ~ yes ~ no ~ one ~ whole ~ half
none | string
yes | string
[none, yes, 1.5, 'a', 'it\'s', "q\"", "b'\""]
dict
dict | string
mixed
(1,)
(1, 'a')
()
{}
{'a': 1, 2: none, true: 'x'}
tiny
large
[1e15, 1e16, 1e-4, 1e-5, 123456789.123, 1e100, 0.1, 100.0, -0.0]
big
huge + 1
big * big
2 ** 100
2 ** -1
2 ** 3 ** 2
-2 ** 2
7 // 2
-7 // 2
neg % 3
7 % -3
-7.5 // 2
-7.5 % 2
7.5 % -2
1 / 2
4 / 2
10 ** 20 / 3
1 + yes
yes + yes
'a' * 3
[1] * 2
3 * 'ab'
[1] + [2]
(1,) + (2,)
'a' + 'b' ~ 1 + 'c'
1 ~ 2 * 3
1 + 2 ~ 'x'
'a' + 1
1 / 0
1 // 0
1 % 0
1.0 / 0
none + 1
undefined_name
undefined_name ~ 'x'
undefined_name + 'x'
undefined_name.a
dict.missing
dict.missing.deeper
undefined_name | length
undefined_name == undefined_other
undefined_name == none
undefined_name in list
'a' in undefined_name
not undefined_name
undefined_name is sequence
undefined_name is iterable
undefined_name or 'x'
undefined_name | tojson
[undefined_name]
1 == 1.0
1 == true
'1' == 1
[1, 2] == [1, 2]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1.0}
none == none
none == false
1 < 2 < 3
3 > 2 > 2
1 < 1.5
'a' < 'b'
'Z' < 'a'
'\uffff' < '\U00010000'
[1, 2] < [1, 3]
[1] < ['a']
1 < 'a'
big == big + 0.0
1 in [1.0]
yes in [1]
'b' in dict
'lo' in text
1 in text
2 not in list
none in none_list
not 1 == 2
1 if no
1 if no else 2 if no else 3
(1 if no) is defined
'' or none or 0 or 'z'
1 and 'x'
text[0]
text[-1]
text[100]
text[1:4]
text[::-1]
text[-5:]
uni[1]
uni[2]
uni[::-1]
uni | length
uni[1:3]
list[::-1]
list[1:]
list[:-1]
list[::2]
list[5:]
list[-100:2]
list[2:0:-1]
list[0:2:0]
messages[2].content[1:]
undefined_name[1:]
list[1]
list[-1]
list[9]
list['1']
list.0
messages[1].role
messages[1]['role']
messages[-1].content
dict['b']
dict.b
dict.items
dict['items']
dict.get('b')
dict.get('zz')
dict.get('zz', 5)
dict.keys() | list
dict.values() | list
dict.items() | list
dict.keys()
dict.items()
dict.keys()[0]
keyed.items() | list
dict.pop('b')
list.append(4)
list.count(1)
list.index(2)
list.index(99)
'x'.__class__
text.upper()
text.lower()
text.title()
title.title()
title | title
title.capitalize()
title | capitalize
'ß'.upper()
'ß'.capitalize()
'ǆa'.capitalize()
'İ'.lower()
'ΑΣ'.lower()
'straße'.casefold()
text.swapcase()
text.center(20, '*')
text.center(15)
'abc'.center(6, '*')
'ab'.center(5, '*')
text.ljust(15, '.')
text.rjust(15, '.')
'-5'.zfill(5)
'a\tb'.expandtabs(4)
text.startswith('Hell')
text.startswith(('x', 'H'))
text.startswith('W', 7)
text.endswith('ld')
text.endswith(['ld'])
text.find('o')
text.rfind('o')
text.find('zz')
text.find('o', 5)
uni.find('ß')
text.index('zz')
text.count('l')
text.count('')
text.partition(', ')
text.rpartition('o')
text.partition('zz')
text.split()
text.split(', ')
text.split('o', 1)
text.rsplit('o', 1)
spaced.split()
' a  b c '.split(none, 1)
' a  b c '.split(' ')
'a,b,,c'.split(',', 2)
'a b c'.rsplit(none, 1)
text.split('')
text.split(maxsplit=1)
lines.splitlines()
lines.splitlines(true)
lines.split('\n')
text.replace('l', 'L')
text.replace('l', 'L', 1)
text.replace('', '-')
'aaa'.replace('a', 'b', 2)
text.removeprefix('Hello')
text.removesuffix('World')
spaced.strip()
spaced.lstrip()
spaced.rstrip()
feff.strip()
control.strip()
'xxaxx'.strip('x')
'xyaxy'.lstrip('xy')
'\n\n  a'.lstrip('\n')
text.strip(none)
text.join(['1', '2'])
'-'.join(list)
'-'.join('abc')
'abc'.isalpha()
'ab1'.isalnum()
'12'.isdigit()
'²'.isdigit()
'²'.isdecimal()
'½'.isnumeric()
' '.isspace()
'\ufeff'.isspace()
'A'.isupper()
'a1'.islower()
'Ab Cd'.istitle()
'ab'.isidentifier()
'é'.isascii()
'a\u200b'.isprintable()
'{} {}'.format(1, 'a')
'{0} {1} {0}'.format(1, 2)
'{a} {b.name}'.format(a=1, b=people[0])
'{:>5}|{:<5}|{:^5}|{:05d}|{:+}'.format('a', 'b', 'c', 42, 7)
'{:.2f} {:x} {:#x} {:%}'.format(3.14159, 255, 255, 0.5)
'{!r}'.format('a')
'{{}}'.format()
'%s %d %5.1f' % ('a', 3, 2.25)
'%s' % none
'%05d|%-5s|%5s|%x' % (42, 'a', 'b', 255)
'%(a)s' % {'a': 1}
'%s' % [1, 2]
'%s %s' % ('a',)
'%s' % ('a', 'b')
'%d' % 'a'
'%%' % ()
'%.0f %.0f %.1f' % (0.5, 1.5, 0.25)
text.encoding
none.foo
5.bit_length()
whole.is_integer()
none | trim
5 | trim
spaced | trim
feff | trim
'xax' | trim('x')
text | upper
none | upper
text | lower
text | length
none | length
5 | length
list | count
dict | length
list | first
list | last
text | first
none_list | first
none_list | last
dict | first
dict | last
dict.items() | first
list | sort
list | sort(reverse=true)
words | sort
words | sort(case_sensitive=true)
mixed | sort
people | sort(attribute='age') | map(attribute='name') | list
people | sort(attribute='age,name', reverse=true) | map(attribute='name') | list
list | join
list | join(', ')
mixed | join('|')
people | join(', ', attribute='name')
text | join('-')
none | join
dict | join(',')
list | reverse | list
text | reverse
list | reverse
words | unique | list
[1, 1.0, true, 2] | unique | list
words | unique(case_sensitive=true) | list
list | min
list | max
words | min
none_list | max
list | sum
people | sum(attribute='age')
[1.5, 2] | sum
['a'] | sum
list | map('string') | list
words | map('upper') | join
people | map(attribute='ok', default='?') | list
people | map(attribute='ok') | list
people | map('attr', 'name') | list
list | map('nope') | list
list | map('string')
list | map('string') | length
list | select('odd') | list
list | reject('odd') | list
list | select | list
[0, 1, '', none] | select | list
list | select('gt', 1) | list
list | select('in', [1, 2]) | list
people | selectattr('ok') | map(attribute='name') | list
people | selectattr('age', 'equalto', 30) | map(attribute='name') | list
people | rejectattr('ok', 'defined') | map(attribute='name') | list
people | selectattr('name', 'in', ['bob']) | list
people | groupby('age') | list
people | groupby('age') | map('first') | list
list | batch(2, 0) | list
list | slice(2) | list
[1,2,3,4,5] | slice(3, 'x') | list
text | list
dict | list
none | list
dict | items | list
none | items | list
undefined_name | items | list
list | items | list
dict | dictsort
dict | dictsort(true)
{'a': 2, 'b': 1} | dictsort(by='value', reverse=true)
none | default('x')
undefined_name | default('x')
undefined_name | d
'' | default('x', true)
dict.zz | default('y')
dict.zz.y | default('y')
5 | abs
neg | abs
-2.5 | abs
'5' | int
' 5_0 ' | int
'5.7' | int
'x' | int
'x' | int(7)
'ff' | int(0, 16)
'0x1F' | int(base=16)
'1e3' | int
5.9 | int
-5.9 | int
none | int
none | int(none)
yes | int
'9223372036854775808' | int
undefined_name | int
'2.5' | float
'x' | float
'inf' | float
5 | float
big | float
2.5 | round
3.5 | round
-0.5 | round
2.675 | round(2)
42.55 | round(1, 'floor')
42.55 | round(1, 'ceil')
42 | round
1234 | round(-2)
1250 | round(-2)
42 | round(0, 'floor')
text | replace('l', 'L')
text | replace('l', 'L', 1)
5 | replace('5', 6)
none | replace('N', 'M')
'a\nb\n\nc' | indent
'a\nb\n\nc' | indent(2, true, true)
'a\nb' | indent('>> ')
lines | indent(1)
'a\n' | indent
'' | indent
text | center(20)
text | wordcount
'a very long text that goes on' | truncate(12)
'a very long text that goes on' | truncate(12, true)
'a very long text' | truncate(5, end='…')
text | truncate
'a b/c?é' | urlencode
{'a': 'b c', 'd': 1} | urlencode
html | e
html | escape ~ '<'
html | safe
html | forceescape
text | safe | length
'%s-%s' | format(1, 'b')
'%(a)s' | format(a=3)
1500 | filesizeformat
1 | filesizeformat
2048 | filesizeformat(true)
dict | tojson
mixed | tojson
uni | tojson
uni | tojson(ensure_ascii=true)
control | tojson
control | tojson(ensure_ascii=true)
html | tojson
quote | tojson
dict | tojson(indent=2)
dict | tojson(indent=0)
dict | tojson(indent='\t')
dict | tojson(sort_keys=true)
dict | tojson(separators=(',', ':'))
dict | tojson(indent=4, separators=(',', ': '))
[] | tojson(indent=2)
[[], {}] | tojson(indent=2)
keyed | tojson
[tiny, large, whole, big, huge, -0.0] | tojson
{1: 2, none: 3, true: 4, 1.5: 5} | tojson
(1, 2) | tojson
range(2) | tojson
dict.keys() | tojson
'/' | tojson
'\u2028' | tojson
people | selectattr('ok') | list | tojson
range(3)
range(3) | list
range(5, 0, -2) | list
range(1, 2, 0)
range(100001)
range(3)[1]
3 in range(5)
range(2, 10, 3) | length
list is sequence
text is sequence
dict is sequence
5 is sequence
list is iterable
dict is iterable
5 is iterable
(list | map('string')) is iterable
(list | map('string')) is sequence
dict is mapping
list is mapping
text is string
5 is string
5 is number
yes is number
whole is number
5 is integer
yes is integer
whole is integer
whole is float
yes is boolean
1 is boolean
yes is true
1 is true
no is false
none is none
undefined_name is none
undefined_name is defined
dict.zz is defined
dict.b is undefined
3 is odd
4 is even
2.0 is even
yes is odd
9 is divisibleby 3
9 is divisibleby(2)
3 is eq 3
3 is not equalto 4
3 is gt 2
3 is lessthan 2
3 is in [1, 3]
none is sameas none
yes is sameas true
'abc' is lower
'ABC' is upper
'1' is upper
range is callable
'upper' is filter
'nope' is filter
'odd' is test
5 is nope
text is not string
5 is string or 6 is number
x is defined and x
text is string | string
dict(a=1, b=2)
dict([('a', 1)])
namespace(a=1)
namespace(a=1).a
namespace(a=1).b
namespace({'x': 1}, y=2).x
raise_exception('stop here')
'a' 'b'
'\x41\u00e9\U0001F600\101\q\\'
0x1F + 0b11 + 0o17 + 1_000
1e3
1.5e-3
[1, 2,]
{'a': 1,}
none.__class__
'{}'.format(none)
messages | map(attribute='role') | join(', ')
messages | map(attribute='content') | list
messages | selectattr('role', 'equalto', 'user') | first
messages | length - 1
(messages | last).role
messages[1:] | length
messages[0].content.split('</think>')[-1].lstrip('\n')
"a</think>\n\nb".split('</think>')[-1].lstrip('\n')
loop
messages[2].content is none
namespace(a=none).a
' a '.split(none, 1)
'a b  '.split(none, 1)
' a b '.rsplit(none, 1)
undefined_name | float
{'a': none}.get('a', 1)
strftime_now
text.nope()
text()
list | attr('0')
dict | attr('b')
dict | attr('keys') is defined
text | nope
"%d" | format(3.9)
yes ~ ''
1.0 ~ ''
[1.0, none] ~ ''
'%s' % 1.0
'%i' % true
"%-10s|" % 'é😀'
'{:>6}'.format('😀')
'{0[a]} {1.x}'.format({'a': 1}, {'x': 2})
'{:08.3f}'.format(-3.14159)
'{:+d} {: d}'.format(5, 5)
'%+d % d' % (5, 5)
'%#x %X %o' % (255, 255, 8)
'%c%c' % ('a', 98)
'%5.2s|' % 'abc'
'abc'.replace('b', '')
'a\x1cb'.split()
'a\u2028b'.splitlines()
'aXbX'.rsplit('X', 1)
'ab'.join({'x': 1, 'y': 2})
'x'.join('')
'Hello'.find('')
'abc'.find('c', -1)
'abc'.find('', 5)
'abc'.count('', 1)
'abc'.startswith('', 5)
'abc'.index('b', 1, 2)
'ABC'.swapcase()
'ǅ'.lower()
'ﬀ'.upper()
'ŉ'.title()
'ᾳ'.title()
'ა'.title()
'İ'.casefold()
'a.b'.title()
"they're".title()
'x'.isidentifier()
'1x'.isidentifier()
'Ⅷ'.isnumeric()
'٣'.isdigit()
'٣' | int
'１２' | int
'1_000' | int
'0b11' | int(0, 2)
'0x1f' | int(0, 16)
'-0x1f' | int(0, 16)
'  7 ' | int
'+7' | int
'7.' | float
'.5' | float
'1e400' | float
'nan' | float
0.1 + 0.2
1e22
1e23
123456789012345680.0
1.5e300 * 1e10
5e-324
2 ** 0.5
(-8) ** 2
7.0 // 2
-7 // 2.0
-0.0
0.0 * -1
5 % -3
-5 % 3
5.5 % -2
1e16 % 3
10 // 3.0
big // 7
huge % 1000
huge / 10
huge * 1.0
[1, 2] * 0
[1] * -1
'a' * 0
not []
[] or {} or () or 'end'
1 if [] else 2
(1, 2)[0]
(1, 2)[::-1]
'abc'[::2]
'abc'[-2:]
'😀a'[0]
'😀a'[1]
[1, 2, 3][-1:]
{'a': 1}['a']
{'a': {'b': [1, 2]}}.a.b[1]
{1: 'x'}[1]
{1: 'x'}[true]
{'x': 1}.keys() | list
{'x': 1} == {'x': 1}
[1, [2, 3]] == [1, [2, 3]]
'a' in ['a']
['a'] in [['a']]
none in [none]
[3, 1] | sort | string
['b', 'A'] | sort | string
[true, false, 2] | sort | string
[[2], [1]] | sort | string
['a', 'B'] | max
[] | sum
[[1], [2]] | sum(start=[])
'abc' | list | string
'abc' | first
'abc' | last
{'a': 1} | list
'a b' | title
'hello-world foo' | title
'ab' | batch(1) | list
[1, 2, 3] | batch(2) | list
[1, 2, 3, 4, 5] | slice(2) | list
'x' | indent(2, first=true)
'x\n\ny' | indent(2, blank=true)
'  x ' | trim
'abcdef' | truncate(3, true, '', 0)
'foo bar' | wordcount
3.14159 | round(2)
2.5 | round(0, 'ceil')
list[0:2:1]
list[0:2:1:1]
(half - half) ** -1
(half - half) ** half
0.0 ** half
1.0 ** -1
'ᾀ ᾁ ᾂ ᾃ ᾄ ᾅ ᾆ ᾇ ᾈ ᾉ ᾊ ᾋ ᾌ ᾍ ᾎ ᾏ ᾐ ᾑ ᾒ ᾓ ᾔ ᾕ ᾖ ᾗ ᾘ ᾙ ᾚ ᾛ ᾜ ᾝ ᾞ ᾟ ᾠ ᾡ ᾢ ᾣ ᾤ ᾥ ᾦ ᾧ ᾨ ᾩ ᾪ ᾫ ᾬ ᾭ ᾮ ᾯ ᾳ ῃ ῳ ᾼ ῌ ῼ ᾲ ᾴ ῂ ῄ ῲ ῴ ᾷ ῇ ῷ'.title()
'ᾀ ᾁ ᾂ ᾃ ᾄ ᾅ ᾆ ᾇ ᾈ ᾉ ᾊ ᾋ ᾌ ᾍ ᾎ ᾏ ᾐ ᾑ ᾒ ᾓ ᾔ ᾕ ᾖ ᾗ ᾘ ᾙ ᾚ ᾛ ᾜ ᾝ ᾞ ᾟ ᾠ ᾡ ᾢ ᾣ ᾤ ᾥ ᾦ ᾧ ᾨ ᾩ ᾪ ᾫ ᾬ ᾭ ᾮ ᾯ ᾳ ῃ ῳ ᾼ ῌ ῼ ᾲ ᾴ ῂ ῄ ῲ ῴ ᾷ ῇ ῷ'.split() | map('capitalize') | join(' ')
'filter' is test
'test' is test
'odd' is test
'nothing' is test
'trim' is filter
'nothing' is filter
(empty ~ 'inf') | float | round(0, 'ceil')
(empty ~ '-inf') | float | round(1, 'floor')
(empty ~ 'nan') | float | round(0, 'ceil')
(empty ~ 'inf') | float | round(2)
1.005 | round(2)
25 | round(-1)
15 | round(-1)
1e300 | round(2)
'a&b' | urlencode
'<b>' | e
('<b>' | e) ~ '<'
'abc' | string | length
[none, true] | join(' ')
[1.0, 2] | join(' ')
people | map(attribute='name') | join(', ')
people | selectattr('age', '>', 26) | map(attribute='name') | list
people | selectattr('age', 'ge', 30) | list | length
people | rejectattr('ok') | map(attribute='name') | list
people | sum('age')
[1, 2, 3] | select('divisibleby', 2) | list
['1', '2'] | map('int') | sum
['a ', ' b'] | map('trim') | join
['ab', 'cd'] | map('replace', 'a', 'x') | list
['ab'] | map('upper') | first
words | map('lower') | unique | sort | join
dict | tojson(indent=2, sort_keys=true)
{'a': none} | tojson
'é' | tojson(ensure_ascii=True)
'😀' | tojson(ensure_ascii=True)
[1, 2] | tojson(separators=(',', ':'))
'a' | tojson | length
namespace() 
range(0)
range(5)[-1]
range(5) | last
range(5) | reverse | list
range(3) == range(3)
[range(3)]
3 is divisibleby 2 or true
1 is odd and 2 is even
x is not defined
'a' is in 'abc'
5 is lt 6
none is not none
[] is sequence
'' is string
() is sequence
range(2) is sequence
range(2) is iterable
dict.keys() is sequence
namespace() is mapping
true is integer
true is number
1.5 is float
'A' is upper
'' is lower
raise_exception is callable
'a' < 'b' < 'c'
1 < 2 == 2
1 == 1 in [1]
(1 == 1) in [true]
-1 | abs
-1 ** 2
+1
- -1
1 - -1
2 - 1 - 1
2 * 3 % 4
'a' ~ 1 + 2
1 + 1 ~ ''
loop is defined
messages[0]['content'] | default('x')
messages[9] is defined
messages[9].x
messages[0].x.y
messages.0.role
text.split(',')[0].strip().upper()
(text | lower).startswith('hello')
text[:5] == 'Hello'
[1,2,3][1:] + [4]
{'a': 1, **{}}
'\d'
'\'' "\""
"tab\there"
'a' if true
'%s' | format('x')
'a%%b' % ()
'{}'.format([1, 'a'])
'{!s:>3}'.format('a')
'{:s}'.format('a')
'{:d}'.format('a')
'{:>{w}}'.format('a', w=4)
'{'.format()
'{x'.format(x=1)
'abc'.center(2)
'abc'.zfill(-1)
'a,b' .split(',', maxsplit=1)
'abc'.strip('')
'a'.ljust(3) ~ '|'
'\x00' | tojson
'\x7f' | tojson
""".strip("\n").split("\n")

TEMPLATES = [
    "{% for m in messages %}\r\n[{{ m.role }}]\r\n{% endfor %}\r\nend\r\n\r\n",
    "a\rb{# c #}\r\nd",
    "'{{ 'x\r\ny' }}'",
    "  {% if yes %}\n  in\n  {% endif %}\n  out  {% if yes %}x{% endif %}\n",
    "  {%- if yes -%}\n  in  \n  {%- endif -%}\n  out",
    "  {%+ if yes %}\n in {% endif +%}\nz",
    "x {# c #}\ny\n  {# d #}\nz {#- e -#}  w",
    "{{ 'a' }}\n{{ 'b' -}}\n\n c\n  {{- 'd' }}\n",
    "json: {-\n{\n  -}\n#}\n",
    "{% raw %}\n{{ x }}{% y %}\n{% endraw %}\nz",
    "{%- raw -%}  {{ x }}  {%- endraw -%}  z",
    "{{ '{{ x }}' }}{{ '%}' }}{% set a = '%}' %}{{ a }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {}} }}",
    "{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{{ loop.depth }} {% endfor %}",
    "{% for x in list if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}none{% endfor %}",
    "{% for x in none_list %}x{% else %}empty{% endfor %}",
    "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in dict | items %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in dict %}{{ k }};{% endfor %}{% for c in 'aé😀' %}{{ c }};{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4), 'xy'] %}{{ a }}{{ b }} {% endfor %}",
    "{% for a, b in [[1, 2, 3]] %}{{ a }}{% endfor %}",
    "{% for a, b in [[1]] %}{{ a }}{% endfor %}",
    "{% for x in none %}{% endfor %}",
    "{% for x in undefined_name %}x{% else %}e{% endfor %}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if loop.index == 3 %}{% break %}{% endif %}-{% endfor %}",
    "{% for x in list %}{% for y in words %}{% if y == 'A' %}{% break %}{% endif %}{{ x }}{{ y }}{{ loop.depth0 }}{% endfor %}{% endfor %}",
    "{% for x in list %}{{ seen }}{% set seen = x %}{% endfor %}{{ seen }}",
    "{% set a = 1 %}{% for x in list %}{% set a = a + x %}{{ a }} {% endfor %}{{ a }}",
    "{% set ns = namespace(a=1) %}{% for x in list %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}",
    "{% set dict.a = 1 %}",
    "{% if yes %}{% set a = 1 %}{% endif %}{{ a }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, %}{{ c }}",
    "{% set a, b = [1, 2, 3] %}",
    "{% set a %}x{{ one }}{% endset %}{{ a ~ '<' }}{% set b | upper %}abc{% endset %}{{ b }}",
    "{% set x = none %}{{ x is none }}{% if x %}a{% elif x is none %}b{% else %}c{% endif %}",
    "{% macro m(a, b=2, c=a) %}[{{ a }},{{ b }},{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=1, a=5) }}{{ m() }}",
    "{% macro m(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m(none, none) }}{{ m(b=none, a=none) }}",
    "{% for m in [none, 1, none] %}{{ loop.previtem is none }}{{ loop.nextitem is none }}{{ loop.last }} {% endfor %}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% set g = 1 %}{% macro m() %}{{ g }}{{ l }}{% endmacro %}{% for l in list %}{{ m() }}{% endfor %}{% set g = 2 %}{{ m() }}",
    "{% macro m() %}{{ later }}{% endmacro %}{% set later = 1 %}{{ m() }}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}in{% endcall %}",
    "{% macro m() %}<{{ caller(1, 2) }}>{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro m() %}{{ caller }}{% endmacro %}[{{ m() }}]",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('a') + 'b' }}{{ m('<') | length }}",
    "{% filter upper %}a{{ text }}{% endfilter %}{% filter replace('a', 'b') | upper %}aa{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}",
    "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}",
    "{% print 1, 2 %}",
    "{% generation %}x{% set q = 1 %}{{ q }}{% endgeneration %}{{ q }}",
    "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}",
    "{% if yes %}a",
    "{% endif %}",
    "{% for x in list %}{% endif %}",
    "{% nope %}",
    "{{ ",
    "{% if %}{% endif %}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{{ 'abc }}",
    "{# open",
    "{% set true = 1 %}",
    "{{ 5 is string is number }}",
    "{{ a b }}",
    "{% break %}",
    "{% for m in messages %}{{ '<|' + m.role + '|>' + (m.content or '') }}{% endfor %}{% if undefined_name %}x{% endif %}",
    "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{%- if ns.multi_step_tool and message.role == \"user\" %}{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}{{ ns.last_query_index }}",
    "{% set x = [] %}{% set x = x + [1] %}{{ x }}{% for i in range(2) %}{% set x = x + [i] %}{% endfor %}{{ x }}",
    "{{ list | map('string') | join(',') }}{% set g = list | map('string') %}{{ g | list }}{{ g | list }}",
    "{% set g = list | map('string') %}{{ g | first }}{{ g | list }}",
    "{% for x in list | reverse %}{{ x }}{% endfor %}{% for x in dict.keys() | reverse %}{{ x }}{% endfor %}",
    "{% macro render_extra_keys(json_dict, handled_keys) %}{%- if json_dict is mapping %}{%- for json_key in json_dict if json_key not in handled_keys %}{%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}{{- '\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}{%- else %}{{-'\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}{%- endif %}{%- endfor %}{%- endif %}{% endmacro %}{{ render_extra_keys(dict, ['b']) }}{{ render_extra_keys({'p': none, 'q': true, 'r': 1.0}, []) }}",
]


class Generation(jinja2.ext.Extension):
    """The tag that transformers adds; without a tracker it renders what it holds."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_generation")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _generation(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = lambda format: format


def record(template):
    try:
        return environment.from_string(template).render(**json.loads(VARIABLES))
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:120]}


def main():
    expressions = [*EXPRESSIONS, *combinations.expressions(), *details.EXPRESSIONS, *structures.EXPRESSIONS]
    statements = [*TEMPLATES, *combinations.STATEMENTS, *details.STATEMENTS, *structures.STATEMENTS]
    templates = ["{{ " + expression + " }}" for expression in expressions] + statements
    templates = list(dict.fromkeys(templates))
    # What is printed with an address in memory differs from run to run.
    cases = [[t, r] for t, r in ((t, record(t)) for t in templates) if "0x" not in str(r) or "0x" in t or "x}" in t]
    provenance = {
        "recordedBy": "record.py",
        "jinja2": jinja2.__version__,
        "python": platform.python_version(),
        "environment": "ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loopcontrols, as transformers makes it",
    }
    lines = ",\n".join("    " + json.dumps(case) for case in cases)
    variables = json.dumps(VARIABLES)
    text = f'{{\n  "provenance": {json.dumps(provenance)},\n  "variables": {variables},\n  "cases": [\n{lines}\n  ]\n}}\n'
    Path(__file__).with_name("jinja2.json").write_text(text)
    print(f"{len(cases)} cases, {sum(isinstance(r, dict) for _, r in cases)} of them errors", file=sys.stderr)


main()
