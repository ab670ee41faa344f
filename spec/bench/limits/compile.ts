import { readFileSync } from 'node:fs';

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

let compiled: Promise<Uint8Array> | undefined;

/** The loops of `assembly/`, compiled in memory with the options of the kernels, once. */
export function compileLimits(): Promise<Uint8Array> {
  compiled ??= compile(readFileSync(SOURCE, 'utf8'));
  return compiled;
}

/** @throws Error if the source does not compile. */
export async function compile(source: string): Promise<Uint8Array> {
  const { default: compiler } = (await import(COMPILER)) as { default: Compiler };
  let wasm: Uint8Array | undefined;
  const options = ['--enable', 'simd,threads', '--importMemory', '--sharedMemory', '--noExportMemory'];
  const { error, stderr } = await compiler.main(
    ['limits.ts', '-o', 'limits.wasm', '-O3', '--runtime', 'stub', '--maximumMemory', '65536', ...options],
    {
      readFile: (name) => (name === 'limits.ts' ? source : null),
      writeFile(_, contents) {
        wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`the loops do not compile: ${stderr.toString() || error?.message}`);
  return wasm;
}
