import test from 'ava';
import { ChoiceMessage } from '../../../../../engine/server/chat/choice-message.ts';

const piece = { reasoning: '', content: '', toolCalls: [] };
const f = { name: 'f', arguments: '{"a": 1}' };

test('a piece becomes a delta, and all pieces the message', (t) => {
  const message = new ChoiceMessage('call_0');
  t.is(message.add(piece), undefined);
  t.deepEqual(message.add({ ...piece, reasoning: 'hm' }), { reasoning_content: 'hm' });
  t.deepEqual(message.add({ ...piece, reasoning: '…', content: 'a' }), {
    reasoning_content: '…',
    content: 'a',
  });
  const call = (index: number) => ({ id: `call_0_${index}`, type: 'function', function: f });
  t.deepEqual(message.add({ ...piece, content: 'b', toolCalls: [f, f] }), {
    content: 'b',
    tool_calls: [0, 1].map((index) => ({ index, ...call(index) })),
  });
  t.deepEqual(message.add({ ...piece, toolCalls: [f] }), { tool_calls: [{ index: 2, ...call(2) }] });
  t.is(message.numToolCalls, 3);
  t.deepEqual(message.whole(), {
    role: 'assistant',
    content: 'ab',
    refusal: null,
    reasoning_content: 'hm…',
    tool_calls: [0, 1, 2].map(call),
  });
});

test('content that is empty beside thoughts or calls is null', (t) => {
  const contentAfter = (...pieces: Parameters<ChoiceMessage['add']>[0][]) => {
    const message = new ChoiceMessage('call_0');
    for (const each of pieces) message.add(each);
    return message.whole().content;
  };
  t.is(contentAfter(), '');
  t.is(contentAfter({ ...piece, reasoning: 'hm' }), null);
  t.is(contentAfter({ ...piece, toolCalls: [f] }), null);
  t.is(contentAfter({ ...piece, content: ' ', toolCalls: [f] }), ' ');
});
