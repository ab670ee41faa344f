import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readChat, readIdLists, readText, readTexts } from '../../../../engine/cli/input-files.ts';
import { ChatTemplateError, FileError } from '../../../../engine/errors.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { jsonFile } from './support.ts';

trackResources(test);

type Reader = (path: string) => Promise<unknown>;
const readers: Record<string, Reader> = { readIdLists, readTexts, readChat };

/** Reads a file with this content, and expects an error that begins with the file's path. */
async function refuses(
  t: ExecutionContext,
  read: Reader,
  json: unknown,
  complaint: string | RegExp,
): Promise<void> {
  const path = jsonFile(t, json);
  const error = await t.throwsAsync(read(path), { instanceOf: FileError });
  if (typeof complaint === 'string') t.is(error.message, `${path}: ${complaint}`);
  else t.regex(error.message.replaceAll(path, 'FILE'), complaint);
}

for (const [name, read] of Object.entries(readers)) {
  test(`${name} has an error for a missing file, a folder, malformed JSON and malformed UTF-8`, async (t) => {
    const missing = join(temporaryFolder(t), 'missing.json');
    await t.throwsAsync(read(missing), {
      instanceOf: FileError,
      message: `cannot find ${missing} (looked for at ${missing})`,
    });
    const folder = temporaryFolder(t);
    await t.throwsAsync(read(folder), {
      instanceOf: FileError,
      message: `cannot read ${folder} (EISDIR)`,
    });
    await refuses(t, read, '[[1, 2', /^cannot read FILE as JSON \(6 characters, perhaps cut short\)/);
    await refuses(
      t,
      read,
      new Uint8Array([0x5b, 0xff, 0x5d]),
      /^cannot read FILE as UTF-8; save it in UTF-8$/,
    );
  });
}

test('lists of ids are read without a check against a vocabulary', async (t) => {
  const lists = [[1, 2, 3], [], [0, -1, 1.5]];
  t.deepEqual(await readIdLists(jsonFile(t, lists)), lists);
});

test('the error for anything but a list of lists of numbers has its place', async (t) => {
  const whole = 'expected an array of arrays of token ids';
  await refuses(t, readIdLists, {}, `the whole: found {}; ${whole}`);
  await refuses(t, readIdLists, [], `holds no prompts; ${whole}`);
  await refuses(t, readIdLists, [1, 2], 'prompt 0: found 1; expected an array of token ids');
  await refuses(t, readIdLists, [[1], [2, '3']], 'prompt 1, position 1: found "3"; expected a token id');
  await refuses(t, readIdLists, [['a', 1]], 'prompt 0, position 0: found "a"; expected a token id');
  const long = 'x'.repeat(100);
  await refuses(
    t,
    readIdLists,
    [long],
    `prompt 0: found '${'x'.repeat(60)}'... 40 more characters; expected an array of token ids`,
  );
});

test('a text is the value itself, or standard input without a newline at its end', async (t) => {
  const input = (text: string | Uint8Array) => {
    const path = join(temporaryFolder(t), 'input');
    writeFileSync(path, text);
    return path;
  };
  t.is(await readText('a text\n', input('another')), 'a text\n');
  t.is(await readText('-', input(' zwei\nZeilen\n\n')), ' zwei\nZeilen\n');
  t.is(await readText('-', input('ends\r\n')), 'ends');
  t.is(await readText('-', input('')), '');
  await t.throwsAsync(readText('-', input(Uint8Array.of(0x61, 0xff))), {
    instanceOf: FileError,
    message: /^cannot read .* as UTF-8; save it in UTF-8$/,
  });
});

test('texts are read unchanged, also an empty list and empty texts', async (t) => {
  const texts = ['', 'a\u0000b', '👩🏽\u200d🚀', '\ud800'];
  t.deepEqual(await readTexts(jsonFile(t, texts)), texts);
  t.deepEqual(await readTexts(jsonFile(t, [])), []);
});

test('the error for anything but a list of texts has its place', async (t) => {
  await refuses(t, readTexts, '"text"', 'the whole: found "text"; expected an array of strings');
  await refuses(t, readTexts, ['a', null], 'text 1: found null; expected a string');
});

const messages = [{ role: 'user', content: 'hi' }];

test('a conversation is an array of messages, or an object with tools and enable_thinking', async (t) => {
  t.deepEqual(await readChat(jsonFile(t, messages)), {
    messages,
    tools: undefined,
    enableThinking: undefined,
  });
  const tools = [{ type: 'function', function: { name: 'f' } }];
  t.deepEqual(await readChat(jsonFile(t, { messages, tools, enable_thinking: false })), {
    messages,
    tools,
    enableThinking: false,
  });
});

test('the error for an unknown key of a conversation, or one of the wrong type, has its name', async (t) => {
  const form = 'expected an array of messages, or an object of messages, tools and enable_thinking';
  await refuses(t, readChat, { messages, temperature: 0.7 }, `Unrecognized key: "temperature"; ${form}`);
  await refuses(
    t,
    readChat,
    { messages, enable_thinking: 'no' },
    /^FILE: enable_thinking: .*expected boolean/,
  );
  await refuses(t, readChat, {}, /^FILE: messages: Invalid input.*received undefined/);
  await refuses(t, readChat, 'null', /^FILE: Invalid input.*; expected an array of messages/);
});

test('the error for a malformed message or tool has its file and place', async (t) => {
  for (const [json, complaint] of [
    [[], 'the conversation: found []; expected at least one message'],
    [{ messages: 'hi' }, 'the conversation: found "hi"; expected an array of messages'],
    [[...messages, { role: 'user' }], 'messages[1].content: found undefined; expected a string'],
    [{ messages, tools: {} }, 'tools: found {}; expected an array of objects'],
  ] as const) {
    const path = jsonFile(t, json);
    await t.throwsAsync(readChat(path), { instanceOf: ChatTemplateError, message: `${path}: ${complaint}` });
  }
});

test('whole numbers beyond 2^53 in a conversation stay exact', async (t) => {
  const call = '{"name": "f", "arguments": {"id": 9223372036854775807, "10": 1, "9": 2}}';
  const path = jsonFile(t, `[{"role": "assistant", "tool_calls": [${call}]}]`);
  const { messages } = await readChat(path);
  t.deepEqual(messages[0].tool_calls, [
    {
      name: 'f',
      arguments: new Map<string, unknown>([
        ['id', 9223372036854775807n],
        ['10', 1],
        ['9', 2],
      ]),
    },
  ] as never);
});
