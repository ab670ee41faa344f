import test from 'ava';
import { ReasoningParser, type Thinking } from '../../../../../engine/server/chat/reasoning-parser.ts';

/** What each piece gives, the last being what `end` gives: thoughts|content. */
function run(thinking: Thinking, pieces: readonly string[]): string[] {
  const parser = new ReasoningParser(thinking);
  return [...pieces.map((piece) => parser.push(piece)), parser.end()].map(
    ({ reasoning, content }) => `${reasoning}|${content}`,
  );
}

const CASES: [title: string, thinking: Thinking, pieces: string[], out: string[]][] = [
  ['thoughts end with the first tag', 'possible', ['<think>a</think>b'], ['a|b', '|']],
  ['line feeds around the tags are kept', 'possible', ['<think>\na\n</think>\n\nb'], ['\na\n|\n\nb', '|']],
  ['tags may be cut', 'possible', ['<thi', 'nk>a</', 'think>b'], ['|', 'a|', '|b', '|']],
  [
    'white space before the thoughts is dropped',
    'possible',
    [' \n', '\t<think>', 'a'],
    ['|', '|', 'a|', '|'],
  ],
  ['an answer without thoughts is content', 'possible', ['ab', '<think>c'], ['|ab', '|<think>c', '|']],
  ['white space before content is kept', 'possible', ['\n', ' ', ' a'], ['|', '|', '|\n  a', '|']],
  ['white space alone is content', 'possible', ['\n', '\n'], ['|', '|', '|\n\n']],
  ['what only begins as the tag is content', 'possible', [' <thi', 's'], ['|', '| <this', '|']],
  ['a cut tag at the end is content', 'possible', ['<think'], ['|', '|<think']],
  ['cut thoughts are thoughts', 'possible', ['<think>a'], ['a|', '|']],
  ['cut thoughts with a cut tag are thoughts', 'possible', ['<think>a</thin'], ['a|', '</thin|']],
  [
    'what begins as the closing tag is given when it leads nowhere',
    'begun',
    ['a</', 'b'],
    ['a|', '</b|', '|'],
  ],
  ['thoughts may hold the opening tag', 'possible', ['<think><think>a</think>b'], ['<think>a|b', '|']],
  ['tags after the thoughts are content', 'begun', ['a</think></think><think>'], ['a|</think><think>', '|']],
  ['thoughts that the prompt has begun need no tag', 'begun', ['a', '</think>b'], ['a|', '|b', '|']],
  ['without thoughts all is content', 'none', ['<think>', 'a</think>'], ['|<think>', '|a</think>', '|']],
  ['an empty answer is empty', 'possible', [], ['|']],
];
for (const [title, thinking, pieces, out] of CASES) {
  test(`${title}: ${JSON.stringify(pieces)}`, (t) => t.deepEqual(run(thinking, pieces), out));
}
