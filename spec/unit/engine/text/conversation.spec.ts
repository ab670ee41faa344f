import test from 'ava';
import { ChatTemplateError } from '../../../../engine/errors.ts';
import { parseConversation, parseTools } from '../../../../engine/text/conversation.ts';

const call = { name: 'f', arguments: { a: 1 } };

test('a conversation with every role and key is returned unchanged', (t) => {
  const messages = [
    { role: 'system', content: '' },
    { role: 'user', content: 'hi', name: 'Ada' },
    {
      role: 'assistant',
      content: '',
      reasoning_content: 'hm',
      tool_calls: [{ type: 'function', function: call }],
    },
    { role: 'tool', content: '18 C', tool_call_id: 'x' },
    { role: 'assistant', content: null, tool_calls: [call, { name: 'g', arguments: '{"b": 2}' }] },
    { role: 'assistant', tool_calls: [call] },
    { role: 'assistant', content: 'done', reasoning_content: null, tool_calls: null },
  ];
  const parsed: unknown = parseConversation(messages);
  t.is(parsed, messages);
});

const user = { role: 'user', content: 'hi' };
const calling = (...tool_calls: unknown[]) => [{ role: 'assistant', content: '', tool_calls }];
const refused: [string, unknown, string][] = [
  ['an object', { messages: [] }, 'the conversation: found { messages: [] }; expected an array of messages'],
  ['nothing', undefined, 'the conversation: found undefined; expected an array of messages'],
  ['no message', [], 'the conversation: found []; expected at least one message'],
  [
    'a message that is text',
    [user, 'hi'],
    'messages[1]: found "hi"; expected an object with role and content',
  ],
  [
    'an unknown role',
    [{ role: 'developer', content: '' }],
    'messages[0].role: found "developer"; expected system, user, assistant, tool',
  ],
  ['no role', [{ content: '' }], 'messages[0].role: found undefined; expected system, user, assistant, tool'],
  ['no content', [user, { role: 'user' }], 'messages[1].content: found undefined; expected a string'],
  [
    'null as content',
    [{ role: 'assistant', content: null }],
    'messages[0].content: found null; expected a string',
  ],
  [
    'no content, calling tools in a role that cannot',
    [{ role: 'user', tool_calls: [call] }],
    'messages[0].content: found undefined; expected a string',
  ],
  [
    'content in parts',
    [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
    "messages[0].content: found [ { type: 'text', text: 'x' } ]; expected a string",
  ],
  [
    'a thought that is no text',
    [{ role: 'assistant', content: '', reasoning_content: 7 }],
    'messages[0].reasoning_content: found 7; expected a string',
  ],
  [
    'tool calls that are no list',
    [{ role: 'assistant', content: '', tool_calls: call }],
    "messages[0].tool_calls: found { name: 'f', arguments: { a: 1 } }; expected an array",
  ],
  [
    'a tool call without a name',
    calling(call, { function: { arguments: {} } }),
    'messages[0].tool_calls[1]: found { function: { arguments: {} } }; expected {"function": {"name": …, "arguments": …}}',
  ],
  ['a tool call that is null', calling(null), 'messages[0].tool_calls[0]: found null; expected {"function"'],
  [
    'a tool call without arguments',
    calling({ name: 'f' }),
    'messages[0].tool_calls[0]: arguments: found undefined; expected an object, or JSON as a string',
  ],
];
for (const [what, json, message] of refused) {
  test(`a conversation of ${what} is refused`, (t) => {
    const error = t.throws(() => parseConversation(json), { instanceOf: ChatTemplateError });
    t.true(error.message.startsWith(message), error.message);
  });
}

test('the error for a long value shows its beginning', (t) => {
  const error = t.throws(() => parseConversation(['x'.repeat(1e6)]), { instanceOf: ChatTemplateError });
  t.true(error.message.length < 200, error.message);
});

test('tools are returned unchanged; anything but a list of objects is refused', (t) => {
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const parsed: unknown = parseTools(tools);
  t.is(parsed, tools);
  t.throws(() => parseTools(tools[0]), {
    instanceOf: ChatTemplateError,
    message: /^tools: found \{ type: .*; expected an array of objects$/,
  });
  t.throws(() => parseTools([tools[0], 'f']), {
    instanceOf: ChatTemplateError,
    message: /^tools\[1\]: found "f"; expected an object, such as /,
  });
});
