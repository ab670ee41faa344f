import { closeSync, openSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Engine } from '../../engine/engine.ts';
import { GroupError } from '../../engine/errors.ts';
import { GroupRun, installedMpis, launcherOf } from '../support/groups/groups.ts';
import { shardedDense, shardedMoe } from '../support/groups/sharded-models.ts';
import { filesOf, LOOPBACK_MODEL, LoopbackHub } from '../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { hasDisks, splitOffExperts, withDisk } from '../support/processes/damage.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { makeModel } from '../support/properties/arbitraries.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

/** Until the last process has ended, on a busy machine. */
const WITHIN_MS = 5000;
/** Until a failing command has ended, on a busy machine. */
const END_MS = 30_000;
const mpis = installedMpis();

test('CI has an MPI; elsewhere the log says that ranks with different files were not tested', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
});

function generate(t: ExecutionContext, model: string, ...flags: string[]): string[] {
  const ids = join(temporaryFolder(t), 'ids.json');
  // The logits of 60 tokens are larger than a block of the disk.
  writeFileSync(ids, JSON.stringify([Array(60).fill(1)]));
  const args = ['--model', model, '--ids', ids, '--max-tokens', '2', '--ignore-eos', '--threads', '1'];
  return [process.execPath, CLI_PATH, 'generate', ...args, ...flags];
}

function start(t: ExecutionContext, command: readonly string[]): GroupRun {
  const run = new GroupRun(command[0], command.slice(1), temporaryFolder(t));
  t.teardown(() => run.killAll());
  return run;
}

/** The command ends with exit code 1, and no process is left. */
async function fails(t: ExecutionContext, run: GroupRun): Promise<void> {
  // A command that hangs must not outlive this test.
  const limit = setTimeout(() => run.killAll(), END_MS);
  const end = await run.end();
  clearTimeout(limit);
  t.deepEqual(end, { exitCode: 1, signal: null }, run.log);
  t.deepEqual(await run.survivors(WITHIN_MS), []);
}

for (const mpi of mpis) {
  /** Runs a command for each rank; both report the reason and the rank at fault. */
  const bothReport = async (t: ExecutionContext, commands: string[][], reason: RegExp, culprit = 1) => {
    const [one, other] = commands;
    const run = start(t, [launcherOf(mpi) as string, '-n', '1', ...one, ':', '-n', '1', ...other]);
    await fails(t, run);
    for (const rank of [0, 1]) {
      t.true(await run.prints(rank, reason, 0), `rank ${rank} does not report ${reason}:\n${run.log}`);
    }
    t.true(await run.prints(1 - culprit, new RegExp(`(Rank|rank) ${culprit} (gave up|against)`), 0), run.log);
  };

  for (const culprit of [0, 1]) {
    test.serial(`${mpi}: both ranks name a file that is truncated on rank ${culprit} only`, async (t) => {
      const models = [0, 1].map(() => modelDirectory(t, shardedMoe()));
      const [experts] = models.map((dir) => splitOffExperts(dir, 4)).slice(culprit);
      truncateSync(experts, 7000);
      const commands = models.map((dir) => generate(t, dir, '--ep', '2'));
      await bothReport(t, commands, new RegExp(`${experts}: .* is truncated: `), culprit);
    });
  }

  test.serial(`${mpi}: if a rank does not have the model, both ranks name its path and end`, async (t) => {
    const commands = [modelDirectory(t, shardedDense()), '/nowhere/model'].map((dir) =>
      generate(t, dir, '--tp', '2'),
    );
    await bothReport(t, commands, /\/nowhere\/model: there is no such directory/);
  });

  test.serial(`${mpi}: if rank 0 has too little memory for its part, both ranks report it`, async (t) => {
    const dir = modelDirectory(t, shardedDense());
    const [one, other] = [0, 1].map(() => generate(t, dir, '--tp', '2', '--cache-blocks', '100000'));
    // 75 MiB, enough for what compiles the sources.
    await bothReport(t, [one.toSpliced(1, 0, '--wasm-max-mem-pages=1200'), other], /cannot allocate/, 0);
  });

  test.serial(`${mpi}: ranks with different weights of the same shapes are refused`, async (t) => {
    const { configJson, dtype } = shardedDense();
    const commands = [1, 2].map((seed) =>
      generate(t, modelDirectory(t, makeModel(configJson, dtype, seed)), '--tp', '2'),
    );
    await bothReport(t, commands, /The ranks disagree on weights: rank 1 against the others/);
  });

  test.serial(
    `${mpi}: if the disk of a rank is too small for the model, both ranks report it and end`,
    async (t) => {
      const [cache, disk] = [temporaryFolder(t), temporaryFolder(t)];
      if (!hasDisks(disk)) return t.pass('this system does not let a test mount a disk');
      const source = filesOf(modelDirectory(t, shardedDense()));
      const files = Object.entries(source).map(([path, bytes]) => [path, Buffer.from(bytes, 'latin1')]);
      const hub = closing(t, await LoopbackHub.start(Object.fromEntries(files)));
      const [one, other] = [cache, disk].map((folder) => {
        const environment = [`HF_ENDPOINT=${hub.url}`, `HF_HUB_CACHE=${folder}`, 'HF_HUB_OFFLINE=0'];
        const more = ['TRANSFORMERS_OFFLINE=0', `HF_HOME=${folder}`];
        return ['env', ...environment, ...more, ...generate(t, LOOPBACK_MODEL, '--tp', '2')];
      });
      await bothReport(t, [one, withDisk(disk, 'size=16k', other)], /cannot write .* \(ENOSPC\)/);
    },
  );
}

for (const mpi of mpis.slice(0, 1)) {
  test.serial(
    `${mpi}: a rank that fails before it joins ends within seconds, even if another never joins`,
    async (t) => {
      const failing = generate(t, '/nowhere/model', '--tp', '2', '--nonsense');
      const run = start(t, [
        launcherOf(mpi) as string,
        '-n',
        '1',
        'sleep',
        '600',
        ':',
        '-n',
        '1',
        ...failing,
      ]);
      t.not((await run.end()).exitCode, 0);
      t.deepEqual(await run.survivors(WITHIN_MS), []);
      t.true(await run.prints(1, /plumbline: unknown option '--nonsense'/, 0), run.log);
    },
  );
}

test.serial('a file that only rank 1 cannot read is named', async (t) => {
  const dir = modelDirectory(t, shardedMoe());
  const experts = splitOffExperts(dir, 4);
  // A link to a descriptor of this process, so high that in a child process it leads to nothing.
  const opened: number[] = [];
  t.teardown(() => opened.forEach(closeSync));
  while ((opened.at(-1) ?? 0) < 300) opened.push(openSync(experts, 'r'));
  const fd = opened.at(-1);
  rmSync(experts);
  symlinkSync(`/proc/self/fd/${fd}`, experts);
  const options = { cacheTokens: 64, threads: 1 };
  const single = closing(t, await Engine.load(dir, options));
  t.is(single.forward([1]).logits.length, single.config.vocabSize);
  const error = await t.throwsAsync(Engine.load(dir, { ...options, ep: 2 }), {
    instanceOf: GroupError,
    message: new RegExp(`^Rank 1 gave up: CheckpointError: .*${experts}`),
  });
  t.deepEqual(error.ranks, [1]);
});

test.serial(
  'a full disk for the FIFOs or for the output of rank 0 ends the command, and is named',
  async (t) => {
    const disk = temporaryFolder(t);
    if (!hasDisks(disk)) return t.pass('this system does not let a test mount a disk');
    const model = modelDirectory(t, shardedDense());
    const openingFifos = ['env', `TMPDIR=${disk}`, ...generate(t, model, '--tp', '2')];
    const [node, cli, , ...args] = generate(t, model, '--tp', '2');
    const flags = args.slice(0, 4);
    const writing = [node, cli, 'logits', ...flags, '--hidden', '--tp', '2', '--out', join(disk, 'out')];
    for (const [options, command, reason] of [
      [
        'nr_inodes=1',
        openingFifos,
        new RegExp(`plumbline: 2 ranks .* need FIFOs .*mktemp: .*${disk}/plumbline-group-.*No space left`),
      ],
      ['nr_inodes=2', openingFifos, /plumbline: 2 ranks .* need FIFOs .*No space left/],
      ['size=4k', writing, new RegExp(`plumbline: .*${disk}/out.*ENOSPC`)],
    ] as const) {
      const run = start(t, withDisk(disk, options, command));
      await fails(t, run);
      t.regex(run.log, reason);
      t.deepEqual(readdirSync(run.folder), []);
    }
  },
);
