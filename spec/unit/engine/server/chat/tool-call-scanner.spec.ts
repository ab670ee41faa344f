import test from 'ava';
import { ToolCallScanner } from '../../../../../engine/server/chat/tool-call-scanner.ts';

test('a call ends with its closing tag, which text may follow', (t) => {
  const scanner = new ToolCallScanner();
  t.is(scanner.push('\n{"name": "f", "argu'), undefined);
  t.is(scanner.push('ments": {"a": 1} }\n</tool'), undefined);
  t.deepEqual(scanner.push('_call>\nxyz'), {
    type: 'call',
    call: { name: 'f', arguments: '{"a": 1}' },
    end: 6,
  });
});

const call = (json: string) => new ToolCallScanner().push(`${json}</tool_call>`);

test('arguments keep the spelling of the model', (t) => {
  for (const spelling of [
    '{}',
    '{ "n": 9007199254740993, "x": 1.0, "e": 1E-5, "big": 123456789012345678901234567890 }',
    '{"text": "a\\u00e9\\n\\"</tool_call>\\\\", "nested": {"list": [1, [2]], "name": "g", "arguments": {}}}',
    '{"tag": "<tool_call>"}',
  ]) {
    const outcome = call(`{"arguments": ${spelling}, "name": "f"}`);
    t.like(outcome, { type: 'call', call: { name: 'f', arguments: spelling } });
  }
  t.like(call('{"na\\u006de": "\\u0066", "arguments": {}}'), { call: { name: 'f' } });
});

test('a text that cannot become a call is refused with the character that shows it', (t) => {
  for (const [valid, wrong] of [
    [' ', 'x'],
    ['', '['],
    ['', '</tool_call>'],
    ['{"name": ', 'F'],
    ['{"name": "f", "arguments": {"a": 1}', '</tool_call>'],
    ['{"name": "f"', '}'],
    ['{"name": "f", "arguments": "{}"', '}'],
    ['{"name": "f", "arguments": null', '}'],
    ['{"name": "f", "arguments": [1]', '}'],
    ['{"name": "", "arguments": {}', '}'],
    ['{"name": 1, "arguments": {}', '}'],
    ['{"name": "f", "arguments": {}, "id": 1', '}'],
    ['{"name": "f", "name": "g", "arguments": {}', '}'],
    ['{"name": "f", "arguments": {}, "arguments": {}', '}'],
    ['{"name": "f", "arguments": {"a": 01}', '}'],
    ['{"name": "f", "arguments": {"a": "\n"}', '}'],
    ['{"name": "f", "arguments": {"a": 1,}', '}'],
    ['{"name": "f", "arguments": {"a": 1]', ']'],
    ['{', ']'],
    ['{"name": "f", "arguments": {}}', '}'],
    ['{"name": "f", "arguments": {}} ', 'x'],
    ['{"name": "f", "arguments": {}}</tool', ' '],
    ['{"name": "f", "arguments": {}}\u00a0'.slice(0, -1), '\u00a0'],
  ]) {
    const scanner = new ToolCallScanner();
    t.is(scanner.push(valid), undefined, valid);
    t.deepEqual(scanner.push(wrong), { type: 'malformed' }, valid + wrong);
  }
});

test('JSON that is nested a hundred thousand deep is refused or taken, not an overflow', (t) => {
  const deep = '['.repeat(100_000);
  t.is(call(`{"name": "f", "arguments": {"a": ${deep}${deep.replaceAll('[', ']')}}}`)?.type, 'call');
});
