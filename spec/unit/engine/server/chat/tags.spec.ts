import test from 'ava';
import { isBlank, partialTagLength } from '../../../../../engine/server/chat/tags.ts';

test('the longest end of a text that begins a tag is found, never a whole tag', (t) => {
  for (const [text, tag, length] of [
    ['', '</think>', 0],
    ['abc', '</think>', 0],
    ['abc<', '</think>', 1],
    ['abc</thin', '</think>', 6],
    ['abc</think>', '</think>', 0],
    ['</thin', '</think>', 6],
    ['<</', '</think>', 2],
    ['aab', 'aabaac', 3],
    ['aabaab', 'aabaac', 3],
  ] as const) {
    t.is(partialTagLength(text, tag), length, `${text} and ${tag}`);
  }
});

test('every beginning of a tag is held back, whatever stands before it', (t) => {
  for (const tag of ['</think>', '<tool_call>', '<>', '<']) {
    for (let length = 0; length < tag.length; length++) {
      for (const before of ['', 'a', ' <b>\n', tag]) {
        const text = before + tag.slice(0, length);
        t.is(partialTagLength(text, tag), length, `${JSON.stringify(text)} and ${tag}`);
      }
    }
  }
});

test('a text without other characters than white space is blank', (t) => {
  for (const text of ['', ' ', '\n\t\r', '\u00a0']) t.true(isBlank(text), JSON.stringify(text));
  for (const text of ['a', ' a ', '\u200b', '0']) t.false(isBlank(text), JSON.stringify(text));
});
