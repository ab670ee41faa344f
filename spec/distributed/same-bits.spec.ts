import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { readCase, readFingerprints } from '../../golden/goldens.ts';
import { temporaryFolder } from '../support/processes/cleanup.ts';
import { CLI_PATH, ended, runCli, startNode } from '../support/processes/processes.ts';

/** Flags of each process. */
const SETTINGS = [
  ['--threads', '1'],
  ['--threads', '2'],
  ['--threads', '5'],
  ['--threads', '2', '--no-revectorize'],
];

for (const model of ['dense', 'moe']) {
  test(`concurrent processes with any number of threads compute the stored fingerprints of ${model}`, async (t) => {
    const folder = temporaryFolder(t);
    const names = ['ids-short', 'ids-block-and-one', 'ids-longer'];
    const ids = names.map((name) => readCase(model, name).ids);
    writeFileSync(join(folder, 'ids.json'), JSON.stringify(ids));
    const modelDir = await ensureFixture(model);
    const args = ['generate', '--model', modelDir, '--ids', join(folder, 'ids.json'), '--max-tokens', '16'];
    const commands = SETTINGS.map((setting) => [...args, '--ignore-eos', '--json', ...setting]);
    const runs = [
      ...commands.map((command) => runCli(...command)),
      // A processor without a fused multiply-add, as far as V8 knows.
      ended(startNode(CLI_PATH, commands[0], { nodeArgs: ['--no-enable-fma3'] })),
    ];
    const stored = readFingerprints(model);
    for (const { exitCode, out, err } of await Promise.all(runs)) {
      t.is(exitCode, 0, err);
      const lines: { fingerprint: string }[] = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      t.deepEqual(
        lines.map(({ fingerprint }) => fingerprint),
        names.map((name) => stored[name]),
      );
    }
  });
}
