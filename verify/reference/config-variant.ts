import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Runs something on a model whose `config.json` has other values: a temporary folder with links to the
 * model's files.
 *
 * @param changes keys of `config.json`.
 * @returns what `run` returns; the folder is removed by then.
 */
export async function withConfig<T>(
  modelDir: string,
  changes: Readonly<Record<string, unknown>>,
  run: (modelDir: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-config-'));
  try {
    for (const file of readdirSync(modelDir))
      if (file !== 'config.json') symlinkSync(resolve(modelDir, file), join(folder, file));
    const config = JSON.parse(readFileSync(join(modelDir, 'config.json'), 'utf8'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
