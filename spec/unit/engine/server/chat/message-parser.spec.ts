import test from 'ava';
import fc from 'fast-check';
import { type AnswerFormat, MessageParser } from '../../../../../engine/server/chat/message-parser.ts';

interface Message {
  reasoning: string;
  content: string;
  toolCalls: { name: string; arguments: string }[];
}

function run(format: AnswerFormat, pieces: readonly string[]): Message {
  const parser = new MessageParser(format);
  const parts = [...pieces.map((piece) => parser.push(piece)), parser.end()];
  return {
    reasoning: parts.map((part) => part.reasoning).join(''),
    content: parts.map((part) => part.content).join(''),
    toolCalls: parts
      .flatMap((part) => part.toolCalls)
      .map(({ name, arguments: json }) => ({ name, arguments: json })),
  };
}

test("an answer of Qwen3's is thoughts, content and calls", (t) => {
  const text =
    '<think>\nThe user…\n</think>\n\nI ask.\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n' +
    '<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call>';
  const content = '\n\nI ask.\n';
  const toolCalls = [
    { name: 'f', arguments: '{"a": 1}' },
    { name: 'g', arguments: '{}' },
  ];
  const reasoning = '\nThe user…\n';
  t.deepEqual(run({ thinking: 'possible', hasToolCalls: true }, [text]), { reasoning, content, toolCalls });
  const calls = text.slice(text.indexOf('\n<tool_call>') + 1);
  t.deepEqual(run({ thinking: 'possible', hasToolCalls: false }, [text]), {
    reasoning,
    content: content + calls,
    toolCalls: [],
  });
});

test('an answer in one text has the parts of its pieces', (t) => {
  const parser = new MessageParser({ thinking: 'possible', hasToolCalls: true });
  const call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>';
  t.deepEqual(parser.whole(`<think>Hm</think>Yes${call}<tool_call>{"na`), {
    reasoning: 'Hm',
    content: 'Yes<tool_call>{"na',
    toolCalls: [{ type: 'tool_call', name: 'f', arguments: '{}' }],
  });
});

test('an answer in one text has a call that stands in what did not become one', (t) => {
  const parser = new MessageParser({ thinking: 'none', hasToolCalls: true });
  // That the first tag begins no call is known at the end of the text only.
  t.deepEqual(parser.whole('<tool_call>{"s": "<tool_call>{"name": "f", "arguments": {}}</tool_call>'), {
    reasoning: '',
    content: '<tool_call>{"s": "',
    toolCalls: [{ type: 'tool_call', name: 'f', arguments: '{}' }],
  });
});

test('a call among the thoughts is a thought', (t) => {
  const thoughts = '<tool_call>{"name": "f", "arguments": {}}</tool_call>';
  t.deepEqual(run({ thinking: 'begun', hasToolCalls: true }, [thoughts]), {
    ...{ reasoning: thoughts, content: '', toolCalls: [] },
  });
});

/** The definition, over the whole text: all comes out but tags, JSON and blanks beside calls. */
function expected({ thinking, hasToolCalls }: AnswerFormat, text: string): Message {
  const pattern = {
    possible: /^\s*<think>(.*?)(?:<\/think>(.*))?$/s,
    begun: /^(.*?)(?:<\/think>(.*))?$/s,
    none: /$^/,
  };
  const [, reasoning = '', answer = ''] = pattern[thinking].exec(text) ?? [undefined, '', text];
  if (!hasToolCalls) return { reasoning, content: answer, toolCalls: [] };
  const toolCalls: Message['toolCalls'] = [];
  const contents = [''];
  for (let at = 0; at < answer.length; ) {
    const found = answer.startsWith('<tool_call>', at)
      ? callAt(answer, at + '<tool_call>'.length)
      : undefined;
    if (found) {
      toolCalls.push(found.call);
      contents.push('');
      at = found.end;
    } else contents[contents.length - 1] += answer[at++];
  }
  const content = contents.filter((piece) => toolCalls.length === 0 || /\S/.test(piece)).join('');
  return { reasoning, content, toolCalls };
}

/** Tries every closing tag: only at one of them can the text before it be JSON. */
function callAt(answer: string, begin: number) {
  for (
    let tag = answer.indexOf('</tool_call>', begin);
    tag >= 0;
    tag = answer.indexOf('</tool_call>', tag + 1)
  ) {
    const json = answer.slice(begin, tag).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    // The arguments of this spec's calls have no key that stands in the call itself.
    const [, first, second] =
      /^\{\s*"name":\s*"f",\s*"arguments":\s*(.*?)\s*\}$|^\{\s*"arguments":\s*(.*?),\s*"name":\s*"f"\s*\}$/s.exec(
        json,
      ) ?? [];
    const spelling = first ?? second;
    try {
      if (!spelling?.startsWith('{') || Object.keys(JSON.parse(json)).length !== 2) continue;
      JSON.parse(spelling);
    } catch {
      continue;
    }
    return { call: { name: 'f', arguments: spelling }, end: tag + '</tool_call>'.length };
  }
  return undefined;
}

const spellings = fc.constantFrom(
  '{}',
  '{"n": 9007199254740993 }',
  '{"s": "</tool_call>"}',
  '{"s":"<tool_call>{\\"a"}',
  '1',
);
const json = fc.tuple(
  fc.constantFrom('{"name": "f", "arguments": X}', '{"arguments":X, "name":"f" }'),
  spellings,
);
const blank = fc.constantFrom('', '\n', ' \n\t', '\u00a0');
const call = fc.tuple(blank, json, blank).map(([before, [form, spelling], after]) => {
  return `<tool_call>${before}${form.replace('X', spelling)}${after}</tool_call>`;
});
const fragment = fc.oneof(
  call,
  call.chain((text) => fc.nat(text.length).map((length) => text.slice(0, length))),
  fc.constantFrom(
    '<think>',
    '</think>',
    '<tool_call>',
    '</tool_call>',
    '{',
    '}',
    '"',
    '\\',
    '<',
    'a',
    '😀',
    ' ',
    '\n',
  ),
  fc.string({ maxLength: 3 }),
);
const texts = fc.array(fragment, { maxLength: 8 }).map((fragments) => fragments.join(''));
const formats = fc.record({
  thinking: fc.constantFrom('possible' as const, 'begun' as const, 'none' as const),
  hasToolCalls: fc.boolean(),
});

test('however an answer is cut, the message is that of the whole answer, and nothing is lost', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(formats, texts, fc.array(fc.nat(80), { maxLength: 12 }), (format, text, cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = bounds.slice(1).map((end, i) => text.slice(bounds[i], Math.max(end, bounds[i])));
        t.is(pieces.join(''), text);
        const message = run(format, pieces);
        return JSON.stringify(message) === JSON.stringify(expected(format, text));
      }),
      { seed: 20261129, numRuns: 2000 },
    ),
  );
});
