import test from 'ava';
import type { Completion, Dialect, Question } from '../../../../../verify/adapters/http/dialect.ts';
import { HttpStatusError } from '../../../../../verify/adapters/http/nonsense.ts';
import {
  findWholeToken,
  probePrompt,
  probeServer,
  takesText,
} from '../../../../../verify/adapters/http/probe-server.ts';
import { TokenText } from '../../../../../verify/adapters/http/token-text.ts';
import { NoAnswerError, NotSupportedError, SubjectError } from '../../../../../verify/errors.ts';
import { scriptedDialect, scriptedServer } from '../../../../support/servers/scripted-server.ts';

const NO_VOCABULARY = { vocabSize: 0, bytesOf: () => new Uint8Array(0) };
const TEXT = new TokenText({ ...NO_VOCABULARY, encode: () => [1, 2, 3, 4], decode: () => 'text' });

/** A server that gives at most `most` of the likeliest tokens. */
function limited(most: number) {
  return ({ top, promptRows }: Question): Completion => {
    if (top > most) throw new HttpStatusError(`at most ${most}`, 400);
    const row = [{ id: 1, logprob: -1 }];
    const promptRow = promptRows ? { promptRows: [undefined, row, row, row] } : {};
    return { tokens: [{ id: 1 }], promptLength: 4, ...promptRow, ...(top > 0 ? { rows: [row] } : {}) };
  };
}

function probe(script: (question: Question) => Completion, parts: Partial<Dialect> = {}, text?: TokenText) {
  const dialect = scriptedDialect(script, { tops: [64, 20, 5], ...parts });
  const { server } = scriptedServer(script);
  return probeServer({ dialect, client: server.client, ...(text ? { text } : {}) }, 7);
}

test('the most of the likeliest tokens that a server gives is found', async (t) => {
  t.is((await probe(limited(100))).top, 64);
  t.is((await probe(limited(20))).top, 20);
  t.is((await probe(limited(0))).top, 0);
  t.is((await probe(() => ({ tokens: [{ id: 1 }] }))).top, 0, 'it ignores the question for scores');
  t.like(await probe(limited(5)), { prompts: 'ids', scoresPrompts: false, wholeToken: 7 });
});

test('whether a server scores prompts is tried', async (t) => {
  t.true((await probe(limited(5), { scoresPrompts: true })).scoresPrompts);
  const refusing = (question: Question) => {
    if (question.promptRows) throw new HttpStatusError('not enabled', 422);
    return limited(5)(question);
  };
  t.false((await probe(refusing, { scoresPrompts: true })).scoresPrompts);
  const ignoring = (question: Question) => limited(5)({ ...question, promptRows: false });
  t.false((await probe(ignoring, { scoresPrompts: true })).scoresPrompts);
  const nonsense = (question: Question) => ({ ...limited(5)(question), promptRows: [undefined] });
  await t.throwsAsync(probe(nonsense, { scoresPrompts: true }), {
    instanceOf: SubjectError,
    message: /found 1 rows for the prompt of 4 tokens; expected one row for each token$/,
  });
});

test('a server without scores is not asked for those of prompts, nor is one that cannot tell its prompt', async (t) => {
  const asked: Question[] = [];
  const recording = (script: (question: Question) => Completion) => (question: Question) => {
    asked.push(question);
    return script(question);
  };
  t.false((await probe(recording(limited(0)), { scoresPrompts: true })).scoresPrompts);
  t.deepEqual(
    asked.map(({ top, promptRows }) => [top, promptRows]),
    [64, 20, 5, 0].map((top) => [top, undefined]),
  );
  const untold = (question: Question) => {
    if (question.promptRows) throw new NotSupportedError('no text encodes to these ids');
    return limited(5)(question);
  };
  t.false((await probe(untold, { scoresPrompts: true })).scoresPrompts);
});

test('the first refusal of a server is thrown', async (t) => {
  const refusing = ({ top }: Question) => {
    throw new HttpStatusError(`refused with ${top}`, 400);
  };
  await t.throwsAsync(probe(refusing), { instanceOf: HttpStatusError, message: 'refused with 64' });
});

test('a server that refuses ids is given text', async (t) => {
  const textOnly = (question: Question) => {
    if ('ids' in question.prompt) throw new HttpStatusError('prompt: expected a string', 422);
    return limited(5)(question);
  };
  const parts: Partial<Dialect> = { prompts: ['ids', 'text'] };
  t.is((await probe(textOnly, parts, TEXT)).prompts, 'text');
  await t.throwsAsync(probe(textOnly, parts), { instanceOf: HttpStatusError, message: /expected a string/ });
  await t.throwsAsync(probe(textOnly, { prompts: ['text'] }), {
    instanceOf: NotSupportedError,
    message: /no tokenizer/,
  });
});

test('a server is probed with ids of any vocabulary, a server of text with a text', (t) => {
  t.deepEqual(probePrompt({ prompts: 'ids', text: TEXT }), [1, 2, 3, 4]);
  const words = new TokenText({
    ...NO_VOCABULARY,
    encode: (text) => text.split(' ').map((word) => word.length),
    decode: () => '',
  });
  t.deepEqual(probePrompt({ prompts: 'text', text: words }), [3, 7, 2, 6, 2]);
});

test('a wrong key and nonsense end the probes', async (t) => {
  let asked = 0;
  const locked = () => {
    asked++;
    throw new HttpStatusError('no key', 401);
  };
  await t.throwsAsync(probe(locked), { message: 'no key' });
  t.is(asked, 1);
  await t.throwsAsync(
    probe(() => ({ tokens: [{ id: 1 }], rows: [[{ id: 1, logprob: 1 }]] })),
    {
      instanceOf: SubjectError,
      message: /the log-probability 1 in/,
    },
  );
});

test('a row that is left out of one answer is no proof that there are none', async (t) => {
  const cutCharacter = () => ({ tokens: [{ id: 1 }], rows: [undefined] });
  t.is((await probe(cutCharacter, { omitsCutCharacters: true })).top, 64);
});

test('a token of whole characters is asked for where it is needed', async (t) => {
  const tokenize = async () => [33];
  const ask = async () => ({});
  t.is(
    await findWholeToken(scriptedDialect(limited(1), { tokenize, omitsCutCharacters: true }), ask, 'm'),
    33,
  );
  t.is(await findWholeToken(scriptedDialect(limited(1), { tokenize }), ask, 'm'), undefined);
  t.true(await takesText(scriptedDialect(limited(1), { tokenize }), ask, 'm'));
  t.false(await takesText(scriptedDialect(limited(1)), ask, 'm'));
  const refusing = async () => {
    throw new HttpStatusError('Not Found', 404);
  };
  t.false(await takesText(scriptedDialect(limited(1), { tokenize: refusing }), ask, 'm'));
  const several = scriptedDialect(limited(1), { tokenize: async () => [33, 34], omitsCutCharacters: true });
  t.is(await findWholeToken(several, ask, 'm'), undefined, 'two tokens are no whole one');
  const gone = new NoAnswerError('gone');
  const tokenizeNever = () => Promise.reject(gone);
  t.is(
    await t.throwsAsync(takesText(scriptedDialect(limited(1), { tokenize: tokenizeNever }), ask, 'm')),
    gone,
  );
});
