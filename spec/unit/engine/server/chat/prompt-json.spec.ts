import test from 'ava';
import { OptionError } from '../../../../../engine/errors.ts';
import { readPromptJson } from '../../../../../engine/server/chat/prompt-json.ts';

const user = { role: 'user', content: 'hi' } as const;
const calling = (...jsons: string[]) => ({
  role: 'assistant' as const,
  content: '',
  tool_calls: jsons.map((json) => ({ function: { name: 'f', arguments: json } })),
});

test("arguments of calls become Python's JSON with every digit, or an object", (t) => {
  const messages = [user, calling('{"n":9007199254740993}', '{}')];
  t.deepEqual(readPromptJson({ messages, argumentsAsJson: true, addGenerationPrompt: true }), {
    messages: [user, calling('{"n": 9007199254740993}', '{}')],
    addGenerationPrompt: true,
  });
  const [{ tool_calls }] = readPromptJson({ messages: [calling('{"n":1}')] }).messages;
  t.deepEqual(tool_calls, [{ function: { name: 'f', arguments: { n: 1 } } }]);
  // A template that reads the object writes its numbers as Python does.
  const exact = readPromptJson({ messages: [calling('{"n":9007199254740993,"x":1.0}')] }).messages;
  t.deepEqual(exact[0].tool_calls, [
    { function: { name: 'f', arguments: { n: 9007199254740993n, x: Object(1) } } },
  ]);
});

test('tools keep what JSON.parse would lose', (t) => {
  const toolsJson = '[{"a": [9007199254740993, 1.0, 0.5, 2, "1.0"]}, {"b": 1, "10": 2}]';
  t.deepEqual(readPromptJson({ messages: [user], toolsJson }).tools as unknown, [
    { a: [9007199254740993n, Object(1), 0.5, 2, '1.0'] },
    new Map(Object.entries({ b: 1, 10: 2 }).reverse()),
  ]);
  t.false('tools' in readPromptJson({ messages: [user] }));
});

const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
const JSON_OF_OBJECT = 'the JSON of an object, as a string';
const FEWER = 'at most 100 levels of arrays and objects';
const WELL_FORMED = 'texts without lone surrogates';
for (const [chat, option, expected] of [
  [{ messages: [calling('{}', '[1]')] }, 'messages[0].tool_calls[1].function.arguments', JSON_OF_OBJECT],
  [{ messages: [user, calling('{"a"')] }, 'messages[1].tool_calls[0].function.arguments', JSON_OF_OBJECT],
  [{ messages: [calling('{"a":"\\ud800"}')] }, 'messages[0].tool_calls[0].function.arguments', WELL_FORMED],
  [{ messages: [user], toolsJson: '[{}, {"a": "\\udc00"}]' }, 'tools[1]', WELL_FORMED],
  [{ messages: [calling('7.0')] }, 'messages[0].tool_calls[0].function.arguments', JSON_OF_OBJECT],
  [{ messages: [user], toolsJson: `[${nested(101)}]` }, 'tools[0]', FEWER],
  ...[8000, 100_000].flatMap(
    (levels) =>
      [
        [{ messages: [user], toolsJson: `[${nested(levels)}]` }, 'tools', FEWER],
        [{ messages: [calling(nested(levels))] }, 'messages[0].tool_calls[0].function.arguments', FEWER],
      ] as const,
  ),
] as const) {
  const text = JSON.stringify(chat);
  test(`refused with ${option}: ${text.length} characters, ${text.slice(0, 100)}`, (t) => {
    const error = t.throws(() => readPromptJson(chat), { instanceOf: OptionError });
    t.deepEqual([error.option, error.expected], [option, expected]);
  });
}
