import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../../../engine/cli/program.ts';
import { HubError } from '../../../../engine/errors.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { ID, modelDir } from '../text/tiny.ts';
import { type FakeIo, fakeIo, jsonFile, TEXT_MODEL } from './support.ts';

trackResources(test);

async function runs(argv: string[], io: FakeIo = fakeIo([ID.hel])) {
  const exitCode = await run(argv, io);
  return { exitCode, out: io.stdout.text, err: io.stderr.text };
}

test('--version prints the version of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'));
  t.deepEqual(await runs(['--version']), { exitCode: 0, out: `${version}\n`, err: '' });
});

test('--help has every command, the exit codes and examples', async (t) => {
  const { exitCode, out, err } = await runs(['--help']);
  t.is(exitCode, 0);
  t.is(err, '');
  for (const part of [
    'generate',
    'logits',
    'tokenize',
    'info',
    '--debug',
    'Exit codes: 0 done',
    'Examples:',
  ]) {
    t.true(out.includes(part), part);
  }
});

for (const [command, options] of Object.entries({
  logits: ['--model', '--ids', '--out', '--hidden', '--revision'],
  generate: [
    '--model',
    '--prompt',
    '--chat',
    '--ids',
    '--max-tokens',
    '--ignore-eos',
    '--json',
    '--no-thinking',
    '--requests',
    '--temperature',
    '--logprobs',
    '--max-batch',
    '--no-prefix-cache',
  ],
  tokenize: ['--model', '--text', '--file', '--json'],
  info: ['--model', '--json'],
})) {
  test(`${command} --help has its options, --debug, and examples`, async (t) => {
    const { exitCode, out } = await runs([command, '--help']);
    t.is(exitCode, 0);
    for (const part of [...options, '--debug', `plumbline ${command} --model`])
      t.true(out.includes(part), part);
  });
}

/** Valid arguments of every command, for a model with a tokenizer. */
function working(t: ExecutionContext): Record<string, string[]> {
  const model = ['--model', modelDir(t, TEXT_MODEL)];
  const ids = jsonFile(t, [[1]]);
  return {
    logits: ['logits', ...model, '--ids', ids, '--out', join(temporaryFolder(t), 'out.safetensors')],
    generate: ['generate', ...model, '--prompt', 'a', '--max-tokens', '1'],
    tokenize: ['tokenize', ...model, '--text', 'a'],
  };
}

test('every command gets its arguments and has exit code 0', async (t) => {
  const { logits, generate, tokenize } = working(t);
  t.deepEqual(await runs(logits), { exitCode: 0, out: '', err: '' });
  t.deepEqual(await runs(generate), { exitCode: 0, out: 'hel\n', err: '' });
  t.deepEqual(await runs(tokenize), { exitCode: 0, out: '97\t"a"\n', err: '' });
});

test('a text may begin with a dash', async (t) => {
  const { tokenize } = working(t);
  t.is((await runs([...tokenize.slice(0, -1), '--a'])).out, '45\t"-"\n45\t"-"\n97\t"a"\n');
});

test('wrong usage has a message and exit code 2', async (t) => {
  const { generate, tokenize, logits } = working(t);
  const withoutPrompt = ['generate', ...generate.slice(1, 3), '--max-tokens', '1'];
  for (const [argv, complaint] of [
    [['nonsense'], "unknown command 'nonsense'"],
    [['--nonsense'], "unknown option '--nonsense'"],
    [[...generate, '--nonsense'], "unknown option '--nonsense'"],
    [[...generate, 'more'], "too many arguments for 'generate'"],
    [generate.slice(0, -2), 'give --max-tokens'],
    [generate.slice(0, -1), "option '--max-tokens <n>' argument missing"],
    [logits.slice(0, -2), "required option '--out <file.safetensors>' not specified"],
    [['tokenize', '--text', 'a'], "required option '--model <dir|hub-id>' not specified"],
    [
      [...generate, '--chat', 'c'],
      "option '--prompt <text>' cannot be used with option '--chat <file.json>'",
    ],
    [[...generate, '--ids', 'i'], "option '--prompt <text>' cannot be used with option '--ids <file.json>'"],
    [
      [...withoutPrompt, '--chat', 'c', '--ids', 'i'],
      "option '--chat <file.json>' cannot be used with option '--ids <file.json>'",
    ],
    [[...generate, '--no-thinking'], "option '--no-thinking' cannot be used with option '--prompt <text>'"],
    [[...withoutPrompt, '--ids', 'i', '--thinking'], "option '--thinking' cannot be used with option '--ids"],
    [[...tokenize, '--file', 'f'], "option '--text <text>' cannot be used with option '--file <file.json>'"],
    [
      [...generate, '--requests', 'r'],
      "option '--prompt <text>' cannot be used with option '--requests <file.jsonl>'",
    ],
    [
      [...withoutPrompt, '--ids', 'i', '--requests', 'r'],
      "option '--ids <file.json>' cannot be used with option '--requests <file.jsonl>'",
    ],
    [
      [...withoutPrompt, '--chat', 'c', '--requests', 'r'],
      "option '--chat <file.json>' cannot be used with option '--requests <file.jsonl>'",
    ],
    [
      [...withoutPrompt, '--ids', 'i', '--no-thinking'],
      "option '--no-thinking' cannot be used with option '--ids <file.json>'",
    ],
    [
      [...withoutPrompt, '--requests', 'r', '--no-thinking'],
      "option '--no-thinking' cannot be used with option '--requests <file.jsonl>'",
    ],
    [
      [...withoutPrompt, '--requests', 'r', '--thinking'],
      "option '--thinking' cannot be used with option '--requests <file.jsonl>'",
    ],
    [
      [...generate, '--logit-bias', '5'],
      "option '--logit-bias <id:bias>' argument '5' is invalid. It must be ID:BIAS",
    ],
    [[...generate, '--temperature', '-1'], 'temperature is -1; expected 0 (greedy)'],
    [withoutPrompt, 'nothing to continue: give --prompt, --chat, --ids or --requests'],
    [tokenize.slice(0, -2), 'nothing to tokenize: give --text or --file'],
  ] as const) {
    const { exitCode, out, err } = await runs([...argv]);
    t.is(exitCode, 2, err);
    t.is(out, '');
    t.true(err.startsWith(`plumbline: ${complaint}`), err);
    t.false(err.includes('    at '), err);
  }
});

test('an error of the parser says where the options are', async (t) => {
  const { err } = await runs(['generate']);
  t.is(err, "plumbline: required option '--model <dir|hub-id>' not specified\n(--help shows all options)\n");
});

test('no command is wrong usage, and shows the help', async (t) => {
  const { exitCode, out, err } = await runs([]);
  t.is(exitCode, 2);
  t.is(out, '');
  t.true(err.startsWith('Usage: plumbline'));
});

for (const limit of ['0', '-1', '1.5', 'ten', '', '1e3', '99999999999999999999']) {
  test(`--max-tokens "${limit}" is wrong usage`, async (t) => {
    const { exitCode, err } = await runs([...working(t).generate.slice(0, -1), limit]);
    t.is(exitCode, 2);
    t.true(err.includes(`argument '${limit}' is invalid. It must be a positive whole number.`), err);
  });
}

test('an error of the run is one line with exit code 1, and --debug adds the stack trace', async (t) => {
  const io = () =>
    Object.assign(fakeIo(), { resolveModel: () => Promise.reject(new HubError('no such model')) });
  const { tokenize } = working(t);
  t.deepEqual(await runs(tokenize, io()), { exitCode: 1, out: '', err: 'plumbline: no such model\n' });
  for (const argv of [
    [...tokenize, '--debug'],
    ['--debug', ...tokenize],
  ]) {
    const { exitCode, err } = await runs(argv, io());
    t.is(exitCode, 1);
    t.regex(err, /^plumbline: HubError: no such model\n {4}at .*program\.spec\.ts/);
  }
});

test('a failure ends the other ranks of mpirun, once', async (t) => {
  const failuresOf = async (argv: string[], change: Partial<FakeIo> = {}) => {
    const io = Object.assign(fakeIo([ID.hel]), change);
    await runs(argv, io);
    return io.failures;
  };
  const { generate, tokenize } = working(t);
  t.deepEqual(await failuresOf(generate), []);
  t.deepEqual(await failuresOf(['--help']), []);
  const resolveModel = () => Promise.reject(new HubError('no space left on device'));
  t.deepEqual(await failuresOf(tokenize, { resolveModel }), ['HubError: no space left on device']);
  const [usage, ...more] = await failuresOf([...generate, '--nonsense']);
  t.regex(usage, /unknown option '--nonsense'/);
  t.deepEqual(more, []);
});

test('an error that is not a PlumblineError names its class and --debug', async (t) => {
  const io = Object.assign(fakeIo(), { resolveModel: () => Promise.reject(new RangeError('too much')) });
  t.deepEqual(await runs(working(t).tokenize, io), {
    exitCode: 1,
    out: '',
    err: 'plumbline: unexpected RangeError: too much; --debug shows where\n',
  });
});

test('an interrupted command has the exit code of the signal and no message', async (t) => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const io = fakeIo([ID.hel]);
    io.engine.onToken = () => io.signals.emit(signal, signal);
    t.deepEqual(await runs(working(t).generate, io), { exitCode: expected, out: 'hel\n', err: '' });
  }
});
