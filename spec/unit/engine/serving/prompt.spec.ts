import test from 'ava';
import { OptionError, PromptError } from '../../../../engine/errors.ts';
import { checkPrompt } from '../../../../engine/serving/prompt.ts';

const config = { vocabSize: 100, maxPositionEmbeddings: 8 };

test('a prompt may have the first and the last id, and as many positions as the model has', (t) => {
  t.notThrows(() => checkPrompt([0, 99], config));
  t.notThrows(() => checkPrompt([1, 2, 3, 4, 5, 6, 7, 8], config));
  t.notThrows(() => checkPrompt([1, 2, 3], config, 5));
});

test('a prompt without a token is refused', (t) => {
  t.throws(() => checkPrompt([], config), {
    instanceOf: PromptError,
    message: 'the prompt is empty; expected at least one token id',
  });
});

test('an id outside the vocabulary is refused with its position', (t) => {
  for (const id of [-1, 100, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => checkPrompt([0, id, 0], config), {
      instanceOf: PromptError,
      message: `the prompt's id at position 1 is ${id}; expected a whole number from 0 to 99`,
    });
  }
});

test('more positions than the model has are refused, the continuation counted in', (t) => {
  const expected = {
    instanceOf: PromptError,
    message: 'prompt and continuation take 9 positions (3 of the prompt); the model has 8',
  };
  t.throws(() => checkPrompt([1, 2, 3], config, 6), expected);
  t.throws(() => checkPrompt(new Array(9).fill(1), config), {
    instanceOf: PromptError,
    message: 'prompt and continuation take 9 positions (9 of the prompt); the model has 8',
  });
});

test('a number of new tokens that is not a whole number, 0 or more, is refused', (t) => {
  for (const maxNewTokens of [-1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    t.throws(() => checkPrompt([1], config, maxNewTokens), {
      instanceOf: OptionError,
      message: `maxNewTokens is ${maxNewTokens}; expected a whole number from 0 to 2147483647`,
    });
  }
  t.notThrows(() => checkPrompt([1], config, 0));
});

test('a prompt that is not an array is refused', (t) => {
  for (const ids of [undefined, null, 'text', Int32Array.of(1)]) {
    t.throws(() => checkPrompt(ids as unknown as number[], config), {
      instanceOf: OptionError,
      message: /^ids is .*; expected an array of token ids$/,
    });
  }
});

test('an id that is not a number is refused with its type', (t) => {
  for (const id of ['7', null, Symbol('7'), Object.create(null)]) {
    t.throws(() => checkPrompt([id as number], config), {
      instanceOf: PromptError,
      message: `the prompt's id at position 0 is of type ${typeof id}; expected a whole number from 0 to 99`,
    });
  }
});
