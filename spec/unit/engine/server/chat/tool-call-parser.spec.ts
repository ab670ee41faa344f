import test from 'ava';
import { ToolCallParser } from '../../../../../engine/server/chat/tool-call-parser.ts';

/** What each piece gives, the last being what `end` gives; a call is written f(arguments). */
function run(pieces: readonly string[]): string[][] {
  const parser = new ToolCallParser();
  return [...pieces.map((piece) => parser.push(piece)), parser.end()].map((parts) =>
    parts.map((part) => (part.type === 'content' ? part.text : `${part.name}(${part.arguments})`)),
  );
}

const F = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>';
const CALLED = 'f({"a": 1})';

const CASES: [title: string, pieces: string[], out: string[][]][] = [
  ['content passes at once', ['ab', 'c'], [['ab'], ['c'], []]],
  ['a call is given when it is whole', [F.slice(0, 30), F.slice(30)], [[], [CALLED], []]],
  ['content before a call keeps its white space', [`a \n${F}`], [['a \n', CALLED], []]],
  ['white space alone around calls is dropped', [`\n\n${F}\n${F}\n`], [[CALLED, CALLED], []]],
  ['in pieces too', ['\n', `\n${F}`, '\n', `${F}\n`], [[], [CALLED], [], [CALLED], []]],
  ['content after a call is kept', [F, '\n', 'a '], [[CALLED], [], ['\na '], []]],
  ['white space without a call is kept', ['\n\n', 'a', ' ', 'b'], [[], ['\n\na'], [' '], ['b'], []]],
  ['white space alone is kept', ['\n', '\n'], [[], [], ['\n\n']]],
  ['what begins as a tag is given when it leads nowhere', ['a<tool', 'x'], [['a'], ['<toolx'], []]],
  ['a cut tag is content', ['a<tool_call'], [['a'], ['<tool_call']]],
  ['a cut call is content', [F.slice(0, 30)], [[], ['<tool_call>', F.slice(11, 30)]]],
  ['white space before a cut call is kept', ['\n<tool_call>{'], [[], ['\n<tool_call>', '{']]],
  ['a call in a malformed one is a call', [`<tool_call>{"a":${F}`], [['<tool_call>', '{"a":', CALLED], []]],
  ['of two opening tags the second counts', [`<tool_call>${F}`], [['<tool_call>', CALLED], []]],
  ['a closing tag alone is content', ['</tool_call>'], [['</tool_call>'], []]],
  [
    'a malformed call is given with the character that shows it',
    ['<tool_call>{"name": "f", "arguments": {}', ', "x": 1', '}', '</tool_call>'],
    [[], [], ['<tool_call>', '{"name": "f", "arguments": {}, "x": 1}'], ['</tool_call>'], []],
  ],
];
for (const [title, pieces, out] of CASES) {
  test(`${title}: ${JSON.stringify(pieces)}`, (t) => t.deepEqual(run(pieces), out));
}

test('a hundred thousand tags, nested or cut, are content', (t) => {
  const tags = '<tool_call>{"a'.repeat(100_000);
  t.is(run([tags]).flat().join(''), tags);
  t.is(
    run([`<tool_call>{"${tags}`])
      .flat()
      .join(''),
    `<tool_call>{"${tags}`,
  );
});
