import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { UsageError } from '../../../engine/errors.ts';
import { isConsistencyAlone, judgeConsistencyAlone } from '../../../verify/consistency-alone.ts';
import { misbehaving } from '../../support/adapters/misbehaving-command.ts';
import { closing, temporaryFolder } from '../../support/processes/cleanup.ts';
import { fakeServed } from '../../support/servers/fake-served.ts';
import { LoopbackServer } from '../../support/servers/loopback-server.ts';
import { SERVERS } from '../../support/servers/servers.ts';

const notes: string[] = [];
const OPTIONS = {
  signal: new AbortController().signal,
  onProgress: () => {},
  onNote: (note: string) => notes.push(note),
  findDir: () => Promise.reject(new Error('no model is looked for')),
};

test('consistency is alone if it is the only check', (t) => {
  t.true(isConsistencyAlone(['consistency']));
  for (const checks of [undefined, [], ['greedy'], ['greedy', 'consistency']])
    t.false(isConsistencyAlone(checks));
});

test('a server needs no model, and one that is named is not looked for', async (t) => {
  const { url } = closing(t, await LoopbackServer.start(SERVERS.vllm(fakeServed())));
  for (const model of [undefined, 'llama-3']) {
    const verdict = await judgeConsistencyAlone({ url, model }, OPTIONS);
    t.is(verdict.verdict, 'right', verdict.reasons.join());
    t.is(verdict.subject.adapter, `--url ${url}`);
  }
  t.true(notes.some((note) => note.includes('vLLM')));
});

test('a module and a program need no model: they are given none', async (t) => {
  const path = join(temporaryFolder(t), 'adapter.ts');
  const fake = fileURLToPath(new URL('../../support/verify/fake-subject.ts', import.meta.url));
  writeFileSync(
    path,
    `import { fakeSubject } from '${fake}';
export default {
  info: { name: 'mine' },
  load: async (dir: string) => {
    if (dir !== '') throw new Error('a model was given');
    return fakeSubject();
  },
};`,
  );
  const command = misbehaving('honest').join(' ');
  for (const flags of [{ module: path }, { command }]) {
    const verdict = await judgeConsistencyAlone(flags, OPTIONS);
    t.is(verdict.verdict, 'right', verdict.reasons.join());
    t.like(verdict, {
      model: { name: 'the model that it has', source: 'any' },
      power: { refused: 3, of: 3 },
    });
  }
  const broken = misbehaving('hang-in-the-middle').join(' ');
  const { verdict, reasons } = await judgeConsistencyAlone({ command: broken, timeout: 200 }, OPTIONS);
  t.is(verdict, 'unknown');
  t.regex(reasons[0], /no answer/);
});

test('what cannot be asked again, and flags that choose cases, are wrong usage', async (t) => {
  const refused: [Parameters<typeof judgeConsistencyAlone>[0], RegExp][] = [
    [{ dump: 'answers' }, /leave out --dump/],
    [
      { url: 'http://127.0.0.1:1', run: ['a'], prompts: 'mine.json' },
      /leave out --prompts, --run: they choose cases/,
    ],
    [{}, /give the model that Plumbline's own engine loads/],
  ];
  for (const [flags, message] of refused)
    await t.throwsAsync(judgeConsistencyAlone(flags, OPTIONS), { instanceOf: UsageError, message });
});
