import test from 'ava';
import { openaiMessages } from '../../../../../../verify/adapters/http/dialects/openai-messages.ts';

const call = (name: string, given: unknown) => ({ type: 'function', function: { name, arguments: given } });

test('arguments of calls become texts, and calls and their results have ids', (t) => {
  const messages = [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: '', tool_calls: [call('a', { city: 'Zürich' }), call('b', '{"n": 1}')] },
    { role: 'tool', content: '18 C' },
    { role: 'tool', content: '2', tool_call_id: 'own' },
    { role: 'assistant', content: 'x', tool_calls: [call('c', {})] },
  ];
  t.deepEqual(openaiMessages(messages), [
    messages[0],
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        { id: 'call_0', ...call('a', '{"city":"Zürich"}') },
        { id: 'call_1', ...call('b', '{"n": 1}') },
      ],
    },
    { role: 'tool', content: '18 C', tool_call_id: 'call_0' },
    { role: 'tool', content: '2', tool_call_id: 'own' },
    { role: 'assistant', content: 'x', tool_calls: [{ id: 'call_2', ...call('c', '{}') }] },
  ]);
});

test('messages without calls, and calls of another form, stay as they are', (t) => {
  const messages = [{ role: 'user', content: 'a', tool_calls: 'none' }, { content: [] }];
  t.deepEqual(openaiMessages(messages), messages);
  t.deepEqual(openaiMessages([{ tool_calls: [{}] }]), [{ tool_calls: [{ id: 'call_0' }] }]);
});
