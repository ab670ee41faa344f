import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { GOLDEN_FOLDER, readCase, readManifest, readPrompts } from '../../golden/goldens.ts';
import type { Prompt } from '../../golden/schema.ts';

/** The model with the real tokenizer: every prompt was recorded from it. */
const MODEL = 'dense-bf16';
const { prompts, maxNewTokens } = readPrompts();
const LAST_ID = 151935;
const IM_START = 151644;
const IM_END = 151645;
const MEGABYTE = 1e6;

/** A prompt and what was recorded of it. */
const recorded = prompts.map((prompt) => {
  const { ids, text } = readCase(MODEL, prompt.id);
  return { prompt, ids, text };
});
type Recorded = (typeof recorded)[number];

const of = (category: Prompt['category']) => recorded.filter(({ prompt }) => prompt.category === category);
const messagesOf = ({ prompt }: Recorded) => ('messages' in prompt ? prompt.messages : []);
const templateOf = ({ prompt }: Recorded) => ('template' in prompt ? prompt.template : undefined);
const userTextOf = ({ prompt }: Recorded) => ('text' in prompt ? prompt.text : '');

test('every prompt was recorded, and nothing else', (t) => {
  t.deepEqual(
    readManifest(MODEL).cases,
    prompts.map(({ id }) => id),
  );
  t.true(maxNewTokens >= 16);
});

for (const [category, isOne] of [
  ['short', ({ ids }: Recorded) => ids.length >= 1 && ids.length <= 32],
  ['long', ({ ids }: Recorded) => ids.length >= 64],
  ['multi-turn', (one: Recorded) => messagesOf(one).length > 0],
  ['edge', () => true],
] as const) {
  test(`at least six ${category} prompts are ${category}`, (t) => {
    const all = of(category);
    t.true(all.length >= 6);
    t.deepEqual(
      all.filter((one) => !isOne(one)).map(({ prompt }) => prompt.id),
      [],
    );
  });
}

test('at least six short and six long prompts are not alone in being made of ids', (t) => {
  for (const category of ['short', 'long'] as const) {
    t.true(of(category).filter((one) => userTextOf(one) !== '').length >= 6, category);
  }
});

const kinds: [what: string, among: Recorded[], isOne: (one: Recorded) => boolean][] = [
  ['a text of 1,000 tokens or more', of('long'), (one) => userTextOf(one) !== '' && one.ids.length >= 1000],
  ['a system message', of('multi-turn'), (one) => messagesOf(one)[0].role === 'system'],
  [
    'several turns of both sides',
    of('multi-turn'),
    (one) => messagesOf(one).filter(({ role }) => role === 'user').length >= 3,
  ],
  [
    'thinking asked for',
    of('multi-turn'),
    (one) => templateOf(one)?.enableThinking === true && /<\|im_start\|>assistant\n$/.test(one.text!),
  ],
  [
    'thinking switched off',
    of('multi-turn'),
    (one) => templateOf(one)?.enableThinking === false && one.text!.endsWith('<think>\n\n</think>\n\n'),
  ],
  ['tools on offer', of('multi-turn'), (one) => /<tools>\n.*get_weather.*\n<\/tools>/.test(one.text!)],
  [
    'a tool that was called, and its answer',
    of('multi-turn'),
    (one) => /<tool_call>.+<tool_response>/su.test(one.text!),
  ],
  [
    'past reasoning inside the content, which the template leaves out',
    of('multi-turn'),
    (one) => JSON.stringify(messagesOf(one)).includes('add them') && !one.text!.includes('add them'),
  ],
  [
    'past reasoning beside the content, which the template keeps',
    of('multi-turn'),
    (one) =>
      messagesOf(one).some((m) => 'reasoning_content' in m) &&
      /<think>\n12 times 12\n<\/think>/.test(one.text!),
  ],
  ['an empty text', of('edge'), (one) => one.text === '' && one.ids.length === 0],
  ['no ids at all', of('edge'), (one) => one.text === undefined && one.ids.length === 0],
  ['a text of one token', of('edge'), (one) => userTextOf(one) !== '' && one.ids.length === 1],
  [
    'white space of several kinds alone',
    of('edge'),
    (one) => /^\s{5,}$/.test(userTextOf(one)) && /\t.*\r?\n/.test(userTextOf(one)),
  ],
  [
    'special tokens inside user text',
    of('edge'),
    (one) => userTextOf(one).includes('<|im_end|>') && one.ids.includes(IM_START) && one.ids.includes(IM_END),
  ],
  [
    'what only resembles special tokens',
    of('edge'),
    (one) => userTextOf(one).includes('<|im_start ') && one.ids.every((id) => id < 151643),
  ],
  [
    'Chinese, Japanese and Korean',
    of('edge'),
    (one) =>
      /\p{sc=Han}/u.test(userTextOf(one)) &&
      /\p{sc=Kana}/u.test(userTextOf(one)) &&
      /\p{sc=Hang}/u.test(userTextOf(one)),
  ],
  [
    'text that runs from right to left',
    of('edge'),
    (one) => /\p{sc=Hebr}/u.test(userTextOf(one)) && /\p{sc=Arab}/u.test(userTextOf(one)),
  ],
  ['combining marks, several on one letter', of('edge'), (one) => /\p{L}\p{M}{3,}/u.test(userTextOf(one))],
  [
    'emoji joined to one',
    of('edge'),
    (one) => /\p{Extended_Pictographic}\u200d\p{Extended_Pictographic}/u.test(userTextOf(one)),
  ],
  [
    'NUL and control characters',
    of('edge'),
    (one) => userTextOf(one).includes('\0') && /[\x01-\x08]/.test(userTextOf(one)),
  ],
  [
    'surrogates that are no pair, high and low',
    of('edge'),
    (one) => /\p{Cs}/u.test(userTextOf(one)) && /[\ud800-\udbff](?![\udc00-\udfff])/.test(userTextOf(one)),
  ],
  ['ids 0 and the last', of('edge'), ({ ids }) => ids.includes(0) && ids.includes(LAST_ID)],
  [
    'one token over and over',
    of('edge'),
    (one) => userTextOf(one) !== '' && one.ids.length >= 40 && new Set(one.ids).size === 1,
  ],
  [
    'one that is far beyond the longest of the others',
    of('edge'),
    (one) => recorded.every((other) => other === one || one.ids.length >= 1.5 * other.ids.length),
  ],
];
for (const [what, among, isOne] of kinds) {
  test(`among the ${among[0].prompt.category} prompts is ${what}`, (t) => {
    const found = among.filter(isOne).map(({ prompt }) => prompt.id);
    t.true(found.length >= 1);
  });
}

test('a prompt is refused where it is empty, and nowhere else', (t) => {
  for (const model of ['dense', MODEL]) {
    const refused = readManifest(model).cases.filter((id) => 'refusal' in readCase(model, id));
    t.deepEqual(refused, model === 'dense' ? ['ids-empty'] : ['edge-empty', 'ids-empty']);
  }
});

// 3.7 MB of them are signatures of known bugs, and 1.5 MB recorded answers of other engines.
test('all goldens together stay under 20 MB', (t) => {
  const files = readdirSync(GOLDEN_FOLDER, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    // What waits to be accepted is not in git.
    .filter((path) => !path.slice(GOLDEN_FOLDER.length).startsWith('/.pending'));
  const megabytes = files.reduce((sum, path) => sum + statSync(path).size, 0) / MEGABYTE;
  t.true(megabytes > 1 && megabytes < 20, `${megabytes.toFixed(1)} MB`);
});
