import test from 'ava';
import { fits, parseArchitecture } from '../../../support/layout/architecture.ts';

const MARKDOWN = `
Some text, and another table.

| a | b |
|---|---|
| \`x\` | y |

| a file in | may import from |
|---|---|
| \`engine/\` | \`engine/\` |
| \`verify/\` | \`golden/\`, \`engine/index.ts\` |

| layer | parts of engine/ | what lives there |
|---|:---:|---|
| 0 | \`errors.ts\` + \`config.ts\` | the ground |
| 1 | \`text/\`, \`kernels/\` | tools |
`;

test('arrows and layers are read out of the two tables', (t) => {
  const { arrows, layers } = parseArchitecture(MARKDOWN);
  t.deepEqual(
    [...arrows],
    [
      ['engine/', ['engine/']],
      ['verify/', ['golden/', 'engine/index.ts']],
    ],
  );
  t.deepEqual(layers, [[['engine/errors.ts', 'engine/config.ts']], [['engine/text/'], ['engine/kernels/']]]);
});

for (const [what, find, replace, message] of [
  [
    'without its header',
    '| a file in |',
    '| from |',
    /no such header; expected a table headed "\| a file in/,
  ],
  ['without rows', '|---|:---:|---|\n| 0', '\n| 0', /found no rows below the header/],
  ['with a cell too many', '| the ground |', '| the | ground |', /"\| 0 .*" has 4 cells; expected 3/],
  ['with a name out of backquotes', '`golden/`', 'golden/', /cannot read the names in "golden\/, `engine/],
  ['with an empty cell', '`text/`, `kernels/`', '', /cannot read the names in ""/],
  ['with two rows for one name', '`verify/`', '`engine/`', /`engine\/` has two rows; expected one/],
  ['with two names in a row', '| `verify/`', '| `verify/`, `spec/`', /several names; expected one in a row/],
] as const) {
  test(`a table ${what} is refused with what is expected`, (t) => {
    t.true(MARKDOWN.includes(find));
    t.throws(() => parseArchitecture(MARKDOWN.replace(find, replace)), { message });
  });
}

test('a name is that of a file, or of a folder and everything in it', (t) => {
  t.true(fits('engine/', 'engine/text/chat.ts'));
  t.true(fits('engine/cli.ts', 'engine/cli.ts'));
  t.false(fits('engine/cli.ts', 'engine/cli.ts.ts'));
  t.false(fits('engine/text/', 'engine/texts/chat.ts'));
});
