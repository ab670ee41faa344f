import test from 'ava';
import { LIMITS, type Limits } from '../../../../../engine/text/jinja/budget.ts';
import { BudgetExceeded } from '../../../../../engine/text/jinja/failure.ts';
import { Template } from '../../../../../engine/text/jinja/template.ts';

/** A list of 100 items, a text of 1,600 characters, and an object of 50 keys. */
const VARIABLES = {
  list: new Array(100).fill(0),
  text: 'abcdefgh'.repeat(200),
  object: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key${i}`, 0])),
};

/** The least limit with which a template can be rendered. */
function cost(template: string, limit: keyof Limits): number {
  const parsed = new Template(template);
  const fits = (value: number) => {
    try {
      parsed.render(VARIABLES, { ...LIMITS, [limit]: value });
      return true;
    } catch (error) {
      if (error instanceof BudgetExceeded) return false;
      throw error;
    }
  };
  let [low, high] = [0, 1 << 16];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const NOTHING = '{% set x = 0 %}';

/** What an expression costs; the name of a value costs a step. */
const costs: readonly (readonly [expression: string, memory: number, steps: number])[] = [
  ['1 + 1', 0, 2],
  ['2 ** 4000', 0, 252],
  ['[1, 2, 3]', 3, 6],
  ['(1, 2, 3)', 3, 6],
  ['{1: 2, 3: 4}', 2, 6],
  ['(1, 2) + (3, 4)', 8, 14],
  ['(1, 2, 3) * 50', 153, 158],
  ['list + list', 200, 202],
  ['list * 3', 300, 302],
  ['list[1:]', 99, 101],
  ['list.copy()', 100, 102],
  ['list == list', 0, 5],
  ['3 in list', 0, 202],
  ['list | list', 100, 201],
  ['list | sort', 200, 400],
  ['list | batch(1) | first', 100, 204],
  ['list | batch(70, 0) | first', 170, 276],
  ['list | slice(3, 0) | first', 103, 208],
  ['list | sum', 0, 101],
  ["list | join(', ')", 19, 221],
  ['list | string', 19, 221],
  ['list | tojson', 19, 121],
  ['object.copy()', 50, 52],
  ['dict(object)', 50, 52],
  ['object == object', 0, 53],
  ['text ~ text', 2, 4],
  ['text + text', 1, 3],
  ['text * 3', 300, 302],
  ['text[::2]', 800, 827],
  ['text == text', 0, 28],
  ['text < text', 0, 28],
  ["'x' in text", 0, 27],
  ['text is lower', 0, 26],
  ['text is upper', 0, 26],
  ['text | length', 0, 26],
  ["text.count('a')", 0, 28],
  ['text.upper()', 100, 127],
  ["text.split('a')", 301, 329],
  ["text.replace('a', 'bcdefghij')", 413, 442],
  ["text.replace('', 'xy')", 602, 631],
  ['text.center(3200)', 500, 555],
  ["'\t'.expandtabs(1600)", 201, 205],
  ['text | upper', 100, 126],
  ['text | trim', 0, 26],
  ['text | title', 800, 801],
  ['text | reverse', 1600, 1601],
  ['text | indent(1600)', 300, 302],
  ['text | e', 500, 501],
  ['text | urlencode', 900, 901],
  ['text | wordcount', 800, 801],
  ['text | int', 0, 51],
  ['text | float', 0, 26],
  ['text | tojson', 100, 102],
  ['[text] | string', 202, 207],
  ["'%1600d' % 1", 200, 203],
  ["'%s' % text", 100, 127],
  ["'{:1600}'.format(1)", 200, 204],
  ["'{}'.format(text)", 100, 103],
];

// What is not counted can be repeated until the memory is full or the process seems to hang.
test('what an expression makes, copies, reads and compares is counted', (t) => {
  const [memory, steps] = [cost(NOTHING, 'memory'), cost(NOTHING, 'steps')];
  const found = costs.map(([expression]) => {
    const template = `{% set x = ${expression} %}`;
    return [expression, cost(template, 'memory') - memory, cost(template, 'steps') - steps] as const;
  });
  t.deepEqual(found, costs);
});

test('what a statement does is counted', (t) => {
  const once = '{% if 0 %}{% endif %}';
  t.is(cost(once.repeat(100), 'steps') - cost(once, 'steps'), 99 * 2);
  const call = '{% macro m(a, b) %}{% endmacro %}{% set x = m(1, b=2) %}';
  t.is(cost(call, 'memory') - cost('{% macro m(a, b) %}{% endmacro %}', 'memory'), 2);
  // The items of a value that comes with the request are counted as it is read: a list, a text, an object.
  t.is(cost(NOTHING, 'memory'), 101 + 1 + 51);
});
