import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../../engine/checkpoint/cache-folder.ts';
import { ensureWholeFolder } from '../../../generator/fixtures/whole-folder.ts';

/** What is used of AssemblyScript's compiler. */
interface Compiler {
  main(
    argv: readonly string[],
    files: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array): void;
      listFiles(): string[];
    },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}

/** A path, not an import: the package's types declare AssemblyScript's arrays and numbers globally. */
const COMPILER: string = 'assemblyscript/asc';
const SOURCE = new URL('assembly/index.ts', import.meta.url);

/** Of the kernels: threads on shared memory, SIMD, fused multiply-adds, everything inlined. */
const OPTIONS = [
  ...[
    '-O3',
    '--runtime',
    'stub',
    '--enable',
    'simd,threads,relaxed-simd',
    '--importMemory',
    '--sharedMemory',
  ],
  ...['--noExportMemory', '--maximumMemory', '65536'],
];

/**
 * The loops of `assembly/`. They are compiled once and kept by the hash of source, options and compiler: the
 * compiler takes longer to load than the loops to run.
 *
 * @throws FileError if they do not compile, or the folder cannot be written.
 */
export async function compileLimits(folder: string = cacheFolder()): Promise<Uint8Array> {
  const source = readFileSync(SOURCE, 'utf8');
  const compiler = readFileSync(fileURLToPath(import.meta.resolve('assemblyscript/package.json')), 'utf8');
  const recipe = JSON.stringify([source, OPTIONS, compiler]);
  const hash = createHash('sha256').update(recipe).digest('hex');
  const path = join(folder, `limits-${hash.slice(0, 12)}`);
  await ensureWholeFolder(path, async (unfinished) => {
    writeFileSync(join(unfinished, 'limits.wasm'), await compile(source));
  });
  return readFileSync(join(path, 'limits.wasm'));
}

/** @throws Error if the source does not compile. */
export async function compile(source: string): Promise<Uint8Array> {
  const { default: compiler } = (await import(COMPILER)) as { default: Compiler };
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await compiler.main(['limits.ts', '-o', 'limits.wasm', ...OPTIONS], {
    readFile: (name) => (name === 'limits.ts' ? source : null),
    writeFile(_, contents) {
      wasm = contents;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`the loops do not compile: ${stderr.toString() || error?.message}`);
  return wasm;
}
