import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { readCase, readFingerprints } from '../../golden/goldens.ts';
import { type Backend, GroupRun, installedMpis, launcherOf } from '../support/groups/groups.ts';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const mpis = installedMpis();
const CASES = ['ids-short', 'ids-block-and-one'];

test('CI has an MPI; elsewhere the log says that the command was not tested over MPI', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
});

/** Runs the command, by itself or under mpirun with `size` ranks. */
function plumbline(t: ExecutionContext, backend: Backend, size: number, ...args: string[]): GroupRun {
  const command = [CLI_PATH, ...args];
  const run =
    backend === 'fork'
      ? new GroupRun(process.execPath, command, temporaryFolder(t))
      : new GroupRun(
          launcherOf(backend) as string,
          ['-n', String(size), process.execPath, ...command],
          temporaryFolder(t),
        );
  t.teardown(() => run.killAll());
  return run;
}

/** A file of prompts. Default: the cases of a model. */
function idsFile(
  t: ExecutionContext,
  model: string,
  ids = CASES.map((name) => readCase(model, name).ids),
): string {
  const path = join(temporaryFolder(t), 'ids.json');
  writeFileSync(path, JSON.stringify(ids));
  return path;
}

/** The JSON lines that the command has printed. */
const linesOf = (run: GroupRun) =>
  run.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

const SHARDINGS = [
  ['dense', 2, ['--tp', '2']],
  ['moe', 2, ['--tp', '2', '--ep', '2']],
  ['moe', 4, ['--ep', '4']],
] as const;

for (const backend of ['fork', ...mpis] as Backend[]) {
  for (const [model, size, flags] of SHARDINGS) {
    test.serial(
      `${backend}: generate ${flags.join(' ')} computes the stored fingerprints of ${model}`,
      async (t) => {
        const args = [
          '--model',
          await ensureFixture(model),
          '--ids',
          idsFile(t, model),
          '--max-tokens',
          '16',
        ];
        const more = ['--ignore-eos', '--json', '--threads', '1', ...flags];
        const run = plumbline(t, backend, size, 'generate', ...args, ...more);
        t.is((await run.end()).exitCode, 0, run.log);
        const found = linesOf(run).map(({ fingerprint }) => fingerprint);
        t.deepEqual(
          found,
          CASES.map((id) => readFingerprints(model)[id]),
        );
        t.deepEqual(await run.survivors(2000), []);
      },
    );
  }

  test.serial(
    `${backend}: a number of ranks that does not divide the model is refused, with those that do`,
    async (t) => {
      const args = [
        '--model',
        await ensureFixture('dense'),
        '--ids',
        idsFile(t, 'dense'),
        '--max-tokens',
        '1',
      ];
      const run = plumbline(t, backend, 4, 'generate', ...args, '--tp', '4');
      t.not((await run.end()).exitCode, 0, run.log);
      t.regex(
        run.log,
        /plumbline: tensor parallelism over 4 ranks: 2 key\/value heads do not divide; .* 1, 2/,
      );
      t.deepEqual(await run.survivors(2000), []);
    },
  );
}

test.serial('logits --tp 2 writes the same file as one process', async (t) => {
  const model = await ensureFixture('dense');
  const folder = temporaryFolder(t);
  const files = await Promise.all(
    ['1', '2'].map(async (tp) => {
      const out = join(folder, `${tp}.safetensors`);
      const args = ['--model', model, '--ids', idsFile(t, 'dense'), '--out', out, '--hidden', '--tp', tp];
      const run = plumbline(t, 'fork', 2, 'logits', ...args, '--threads', '1');
      t.is((await run.end()).exitCode, 0, run.log);
      return readFileSync(out);
    }),
  );
  t.true(files[0].equals(files[1]));
});

for (const mpi of mpis) {
  test.serial(`${mpi}: a number of processes that differs from the number of ranks is refused`, async (t) => {
    const args = ['--model', await ensureFixture('dense'), '--ids', idsFile(t, 'dense'), '--max-tokens', '1'];
    const run = plumbline(t, mpi, 3, 'generate', ...args, '--tp', '2');
    t.not((await run.end()).exitCode, 0, run.log);
    t.regex(run.log, /mpirun has started 3 processes; expected 2, .*: start it with -n 2/);
    t.deepEqual(await run.survivors(2000), []);
  });

  test.serial(`${mpi}: a server whose address is taken ends all ranks with exit code 1`, async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.teardown(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const args = ['--model', await ensureFixture('dense'), '--port', String(port), '--tp', '2'];
    const run = plumbline(t, mpi, 2, 'serve', ...args, '--threads', '1');
    t.is((await run.end()).exitCode, 1, run.log);
    t.regex(run.log, /\[rank 0\] plumbline: cannot listen on 127\.0\.0\.1, port \d+ \(EADDRINUSE\)/);
    t.deepEqual(await run.survivors(2000), []);
  });

  test.serial(`${mpi}: a rank with another model is named`, async (t) => {
    const [one, other] = [{}, { rope_theta: 501 }].map((overrides) => {
      const model = shardedDense();
      return modelDirectory(t, { ...model, configJson: { ...model.configJson, ...overrides } });
    });
    const args = (model: string) => [
      process.execPath,
      CLI_PATH,
      'generate',
      '--model',
      model,
      '--ids',
      ids,
      '--max-tokens',
      '1',
      '--tp',
      '2',
    ];
    const ids = idsFile(t, '', [[1, 2]]);
    const both = ['-n', '1', ...args(one), ':', '-n', '1', ...args(other)];
    const run = new GroupRun(launcherOf(mpi) as string, both, temporaryFolder(t));
    t.teardown(() => run.killAll());
    t.not((await run.end()).exitCode, 0, run.log);
    t.regex(run.log, /The ranks disagree on config: rank 1 against the others/);
    t.deepEqual(await run.survivors(5000), []);
  });
}

for (const mpi of mpis) {
  test.serial(`${mpi}: Ctrl-C ends mpirun and all ranks`, async (t) => {
    const ids = idsFile(t, '', Array(500).fill([1, 2]));
    const dir = modelDirectory(t, shardedDense());
    const args = ['--model', dir, '--ids', ids, '--max-tokens', '100', '--ignore-eos', '--max-batch', '1'];
    const run = plumbline(t, mpi, 2, 'generate', ...args, '--json', '--tp', '2', '--threads', '1');
    while (linesOf(run).length === 0) await sleep(10);
    process.kill(run.pid, 'SIGINT');
    // The exit code is mpirun's own.
    await run.end();
    t.true(linesOf(run).length < 500);
    t.deepEqual(await run.survivors(5000), []);
  });
}

test.serial('Ctrl-C ends the command and its ranks with exit code 130', async (t) => {
  const ids = idsFile(t, '', Array(500).fill([1, 2]));
  const dir = modelDirectory(t, shardedDense());
  const args = ['--model', dir, '--ids', ids, '--max-tokens', '100', '--ignore-eos', '--max-batch', '1'];
  const run = plumbline(t, 'fork', 2, 'generate', ...args, '--json', '--tp', '2', '--threads', '1');
  while (linesOf(run).length === 0) await sleep(10);
  // As a terminal does, to all processes.
  for (const pid of await run.survivors(0)) process.kill(pid, 'SIGINT');
  t.deepEqual(await run.end(), { exitCode: 130, signal: null }, run.log);
  t.true(linesOf(run).length < 500);
  t.deepEqual(await run.survivors(5000), []);
});
