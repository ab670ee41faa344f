import test from 'ava';
import { causeOf, type PromptTools } from '../../../../verify/prompts/cause.ts';

/** Special tokens are single ids; every other character is an id of its own. */
const SPECIAL = new Map([
  ['<|im_start|>', 1000],
  ['<|im_end|>', 1001],
  ['<|endoftext|>', 1002],
]);
const encode = (text: string) =>
  text
    .split(/(<\|im_start\|>|<\|im_end\|>|<\|endoftext\|>)/)
    .flatMap((part) => SPECIAL.get(part) ?? Array.from(part, (c) => c.codePointAt(0)!));

const tools: PromptTools = {
  encode,
  decode: (ids) => String.fromCodePoint(...ids),
  specialId: (token) => SPECIAL.get(token),
  render: ({ addGenerationPrompt = true, enableThinking, withTools = true }) =>
    `${withTools ? 'TOOLS' : ''}<|im_start|>hi<|im_end|>${addGenerationPrompt ? '<|im_start|>bot' : ''}${enableThinking === false ? '<think></think>' : ''}${enableThinking === true ? '!' : ''}`,
};
const text = tools.render!({});
const expected = encode(text);

const known: readonly (readonly [cause: RegExp, got: number[]])[] = [
  [/no generation prompt/, encode(tools.render!({ addGenerationPrompt: false }))],
  [/empty thinking block was added/, encode(tools.render!({ enableThinking: false }))],
  [/thinking is enabled/, encode(tools.render!({ enableThinking: true }))],
  [/tools were not given/, encode(tools.render!({ withTools: false }))],
  [/beginning-of-sequence token was added/, [1002, ...expected]],
  [/token was added at the end/, [...expected, 1001]],
  [/first token is missing/, expected.slice(1)],
  [/last token is missing/, expected.slice(0, -1)],
  [/special tokens in the text were encoded as text/, Array.from(text, (c) => c.codePointAt(0)!)],
];
for (const [cause, got] of known) {
  test(`a cause is named: ${cause.source}`, (t) => {
    t.regex(causeOf({ got, expected, text }, tools) ?? 'none', cause);
  });
}

test('normalisation and trimmed white space are named', (t) => {
  const of = (original: string, changed: string) =>
    causeOf(
      { got: encode(changed), expected: encode(original), text: original },
      { ...tools, render: undefined },
    );
  t.is(of('cafe\u0301', 'caf\u00e9'), 'the text was normalised to NFC');
  t.is(of('caf\u00e9', 'cafe\u0301'), 'the text was normalised to NFD');
  t.is(of(' a ', 'a'), 'white space around the text was removed');
});

test('a missing normalisation to NFC is named, which no encoding predicts', (t) => {
  const text = 'cafe\u0301';
  const normalising = {
    ...tools,
    render: undefined,
    encode: (some: string) => encode(some.normalize('NFC')),
  };
  const [got, expected] = [encode(text), normalising.encode(text)];
  t.is(causeOf({ got, expected, text }, normalising), 'the text was not normalised to NFC');
  t.is(causeOf({ got: [...got, 9], expected, text }, normalising), undefined);
});

test('other ids have no cause', (t) => {
  t.is(causeOf({ got: [1, 2, 3], expected, text }, tools), undefined);
});
