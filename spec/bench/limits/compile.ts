import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

/** The loops of `assembly/`, compiled in memory with the options of the kernels. @throws Error if they do not compile. */
export async function compileLimits(): Promise<Uint8Array> {
  const source = readFileSync(new URL('assembly/index.ts', import.meta.url), 'utf8');
  let wasm: Uint8Array | undefined;
  const options = ['--enable', 'simd,threads', '--importMemory', '--sharedMemory', '--noExportMemory'];
  const { error, stderr } = await asc.main(
    ['limits.ts', '-o', 'limits.wasm', '-O3', '--runtime', 'stub', '--maximumMemory', '65536', ...options],
    {
      readFile: (name) => (name === 'limits.ts' ? source : null),
      writeFile(_, contents) {
        wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`the loops do not compile: ${stderr.toString() || error?.message}`);
  return wasm;
}
