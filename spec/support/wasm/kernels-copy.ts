import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The kernels and what they import, beside each other in engine/. */
const PARTS = ['kernels', 'terminal', 'errors.ts', 'config.ts', 'options.ts'];

/** A copy of the kernels in a folder of its own. */
export async function copyOfKernels(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-sources-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const path of ['package.json', ...PARTS.map((part) => join('engine', part))]) {
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The folder of the kernels in such a copy. */
export const kernelsIn = (folder: string) => pathToFileURL(join(folder, 'engine', 'kernels', '/'));

/**
 * Creates the kernels of a folder in a process of its own.
 *
 * @returns the error's name and message, or "created"
 */
export async function createIn(folder: string): Promise<string> {
  const program = `
    const { createWasmKernels } = await import(${JSON.stringify(new URL('wasm.ts', kernelsIn(folder)).href)});
    await createWasmKernels().then(() => console.log('created'), ({ name, message }) => console.log(name, message));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return stdout.trim();
}
