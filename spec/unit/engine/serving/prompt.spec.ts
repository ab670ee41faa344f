import test from 'ava';
import { PromptError } from '../../../../engine/errors.ts';
import { checkPositions, checkPrompt } from '../../../../engine/serving/prompt.ts';

const config = { vocabSize: 100, maxPositionEmbeddings: 8 };

test('a prompt may have the first and the last id, and as many positions as the model has', (t) => {
  t.notThrows(() => checkPrompt([0, 99], config));
  t.notThrows(() => checkPrompt([1, 2, 3, 4, 5, 6, 7, 8], config));
  t.notThrows(() => checkPrompt([1, 2, 3], config, 5));
});

test('a prompt without a token is refused', (t) => {
  t.throws(() => checkPrompt([], config), { instanceOf: PromptError, message: /^the prompt is empty/ });
});

test('what is not an id of the vocabulary is refused with its position', (t) => {
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
  t.throws(() => checkPrompt(new Array(9).fill(1), config), { message: /9 positions \(9 of the prompt\)/ });
});

test('what is no number of new tokens is refused', (t) => {
  for (const maxNewTokens of [-1, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => checkPrompt([1], config, maxNewTokens), {
      instanceOf: PromptError,
      message: `maxNewTokens is ${maxNewTokens}; expected a whole number, 0 or more`,
    });
  }
  t.notThrows(() => checkPrompt([1], config, 0));
});

test('positions are some of the prompt, in ascending order', (t) => {
  for (const positions of [[], [0], [2], [0, 1, 2], [0, 2]]) t.notThrows(() => checkPositions(positions, 3));
  for (const [positions, culprit] of [
    [[-1], -1],
    [[3], 3],
    [[0.5], 0.5],
    [[0, Number.NaN], Number.NaN],
    [[1, 1], 1],
    [[0, 2, 1], 1],
  ] as const) {
    t.throws(() => checkPositions(positions, 3), {
      instanceOf: PromptError,
      message: `position ${culprit} was asked for; expected ascending whole numbers from 0 to 2`,
    });
  }
});
