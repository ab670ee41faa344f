import test from 'ava';
import { toApiError } from '../../../../../engine/server/api-error.ts';
import { conversationOf } from '../../../../../engine/server/chat/conversation.ts';

const user = { role: 'user', content: 'hi' };

test('messages are those of OpenAI, rendered with the roles of templates', (t) => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ];
  t.deepEqual(
    conversationOf([
      { role: 'developer', content: 'be brief', cache_control: 1 },
      { role: 'user', content: parts, name: 'Ann' },
      {
        role: 'assistant',
        content: null,
        reasoning: 'hm',
        refusal: null,
        audio: null,
        function_call: null,
      },
      { role: 'assistant', content: 'x', reasoning_content: 'hm', tool_calls: [] },
      { role: 'assistant', content: 'x', reasoning: 'not this', reasoning_content: 'hm' },
      { role: 'assistant', content: 'x', reasoning: 'hm', reasoning_content: null },
      { role: 'tool', content: [], tool_call_id: 'call_1' },
    ]),
    [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'a\nb', name: 'Ann' },
      { role: 'assistant', content: '', reasoning_content: 'hm' },
      { role: 'assistant', content: 'x', reasoning_content: 'hm' },
      { role: 'assistant', content: 'x', reasoning_content: 'hm' },
      { role: 'assistant', content: 'x', reasoning_content: 'hm' },
      { role: 'tool', content: '', tool_call_id: 'call_1' },
    ],
  );
});

test('arguments of calls stay as they were sent, whatever they are; none at all are an empty object', (t) => {
  const call = (json?: unknown) => ({ id: 'a', type: 'function', function: { name: 'f', arguments: json } });
  const messages = [{ role: 'assistant', tool_calls: [call('[9007199254740993'), call(''), call()] }];
  const [{ tool_calls }] = conversationOf(messages);
  t.deepEqual(
    tool_calls,
    ['[9007199254740993', '{}', '{}'].map((json) => ({ function: { name: 'f', arguments: json } })),
  );
});

const assistant = (call: unknown) => ({ role: 'assistant', tool_calls: [call] });
const called = (json: unknown) => assistant({ function: { name: 'f', arguments: json } });
const REFUSED: [messages: unknown, message: string, param: string][] = [
  [undefined, 'messages is undefined; expected an array of at least one message', 'messages'],
  [[], 'messages is []; expected an array of at least one message', 'messages'],
  [['hi'], 'messages[0] is "hi"; expected an object with role and content', 'messages[0]'],
  [
    [user, { role: 'function', content: '' }],
    'messages[1].role is "function"; expected system, developer, user, assistant, tool',
    'messages[1].role',
  ],
  [
    [{ role: 'user' }],
    'messages[0].content is undefined; expected a string, or an array of text parts',
    'messages[0].content',
  ],
  [
    [{ role: 'tool', content: null }],
    'messages[0].content is null; expected a string, or an array of text parts',
    'messages[0].content',
  ],
  [
    [{ role: 'user', content: 'a\ud800' }],
    'messages[0].content is "a\\ud800"; expected a text without lone surrogates',
    'messages[0].content',
  ],
  [[{ ...user, name: 1 }], 'messages[0].name is 1; expected a string', 'messages[0].name'],
  [
    [{ role: 'user', content: ['a'] }],
    'messages[0].content[0] is "a"; expected {"type": "text", "text": …}',
    'messages[0].content[0]',
  ],
  [
    [{ role: 'user', content: [{ text: 'a' }] }],
    'messages[0].content[0].type is undefined; expected "text"',
    'messages[0].content[0].type',
  ],
  [
    [{ role: 'user', content: [{ type: 'text' }] }],
    'messages[0].content[0].text is undefined; expected a string',
    'messages[0].content[0].text',
  ],
  [
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'image_url', image_url: { url: 'file:///' } },
        ],
      },
    ],
    'cannot serve messages[0].content[1]: a part of type image_url is not supported; write {"type": "text", "text": …}',
    'messages[0].content[1]',
  ],
  [
    [{ role: 'assistant', function_call: {} }],
    'cannot serve messages[0].function_call: function_call is not supported; write text in content and calls in tool_calls',
    'messages[0].function_call',
  ],
  [
    [{ role: 'assistant', audio: { id: '' } }],
    'cannot serve messages[0].audio: audio is not supported; write text in content and calls in tool_calls',
    'messages[0].audio',
  ],
  [
    [{ role: 'assistant', reasoning: 1 }],
    'messages[0].reasoning is 1; expected a string',
    'messages[0].reasoning',
  ],
  [
    [{ role: 'assistant', tool_calls: {} }],
    'messages[0].tool_calls is {}; expected an array of calls',
    'messages[0].tool_calls',
  ],
  [
    [assistant(null)],
    'messages[0].tool_calls[0] is null; expected {"type": "function", "function": {"name": …, "arguments": …}}',
    'messages[0].tool_calls[0]',
  ],
  [
    [assistant({ type: 'custom', custom: {} })],
    'messages[0].tool_calls[0] is { type: \'custom\', custom: {} }; expected {"type": "function", "function": {"name": …, "arguments": …}}',
    'messages[0].tool_calls[0]',
  ],
  [
    [assistant({ function: {} })],
    'messages[0].tool_calls[0].function.name is undefined; expected a string',
    'messages[0].tool_calls[0].function.name',
  ],
  [
    [called({})],
    'messages[0].tool_calls[0].function.arguments is {}; expected the JSON of an object, as a string',
    'messages[0].tool_calls[0].function.arguments',
  ],
  [
    [called('\udc00')],
    'messages[0].tool_calls[0].function.arguments is "\\udc00"; expected a text without lone surrogates',
    'messages[0].tool_calls[0].function.arguments',
  ],
];
for (const [messages, message, param] of REFUSED) {
  test(`messages are refused with ${param}: ${JSON.stringify(messages)}`, (t) => {
    const error = t.throws(() => conversationOf(messages), { message });
    const { status, param: named } = toApiError(error);
    t.deepEqual({ status, param: named }, { status: 400, param });
  });
}
