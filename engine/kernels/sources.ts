import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KernelError } from '../errors.ts';
import { type KernelModule, WebAssembly } from './web-assembly.ts';

/** The folder that has `assembly/` in the repository; an installed package has compiled kernels alone. */
const FOLDER = new URL('./', import.meta.url);

/** The compiled kernels, and those for machines without a fused multiply-add, which lie beside them. */
export const KERNELS_NAME = 'kernels.wasm';
export const EMULATED_NAME = 'kernels-emulated.wasm';
export const KERNELS_URL = new URL(`build/${KERNELS_NAME}`, FOLDER);

/** The names of the sections of the compiled file that hold the hash of its sources and its compiler. */
const SECTION = 'sources';
const COMPILER_SECTION = 'compiler';

/** What a compiled file was built from, and by what. */
export interface KernelOrigin {
  /** See {@link hashSources}. */
  readonly hash: string;
  /** Name and version. */
  readonly compiler: string;
}

/** What the compiled kernels depend on beside `assembly/`. */
const SHARED_FILES = ['abi.ts', 'numerics.ts'];

/**
 * SHA-256 over the names and the contents of the kernels' sources.
 *
 * @param folder that holds `assembly/`, `abi.ts` and `numerics.ts`
 * @returns in hexadecimal; undefined if the folder has no `assembly/`, as in an installed package.
 */
export function hashSources(folder: URL = FOLDER): string | undefined {
  const assembly = new URL('assembly/', folder);
  if (!existsSync(assembly)) return undefined;
  const paths = readdirSync(assembly, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|json)$/.test(path))
    .map((path) => `assembly/${path.replaceAll('\\', '/')}`);
  const hash = createHash('sha256');
  for (const path of [...SHARED_FILES, ...paths].sort()) {
    const bytes = readFileSync(new URL(path, folder));
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** Compiled kernels with the hash of their sources and the name of their compiler. */
export function withOrigin(wasm: Uint8Array, { hash, compiler }: KernelOrigin): Uint8Array {
  return withSection(withSection(wasm, COMPILER_SECTION, compiler), SECTION, hash);
}

/** Whether a file holds kernels that this compiler has built from these sources. */
export function isBuiltFrom(wasm: Uint8Array, { hash, compiler }: KernelOrigin): boolean {
  if (!WebAssembly.validate(wasm)) return false;
  const module = new WebAssembly.Module(wasm);
  return sectionOf(module, SECTION) === hash && sectionOf(module, COMPILER_SECTION) === compiler;
}

/**
 * A module with a custom section appended (WebAssembly specification, 5.5.3).
 *
 * @param name,content in ASCII, less than 126 characters together
 */
export function withSection(wasm: Uint8Array, name: string, content: string): Uint8Array {
  const section = Buffer.concat([Buffer.of(name.length), Buffer.from(name + content)]);
  // The length of a section is in LEB128; so short a section needs one byte of it.
  return Buffer.concat([wasm, Buffer.of(0, section.length), section]);
}

let repositoryHash: { value: string | undefined } | undefined;

/**
 * Checks that kernels were compiled from the sources that lie beside them, where sources do.
 *
 * @param expected hash of the sources; by default of those in the repository, computed once in a process
 * @throws KernelError if the kernels were compiled from other sources.
 */
export function checkSources(module: KernelModule, wasmUrl: URL, expected?: string): void {
  repositoryHash ??= { value: hashSources() };
  const wanted = expected ?? repositoryHash.value;
  if (wanted === undefined) return;
  if (sectionOf(module, SECTION) === wanted) return;
  throw new KernelError(
    `cannot use ${fileURLToPath(wasmUrl)}: it was built from other sources than those in ${fileURLToPath(new URL('assembly/', FOLDER))}; rebuild the kernels: npm run build:kernels`,
  );
}

function sectionOf(module: KernelModule, name: string): string | undefined {
  const [section] = WebAssembly.Module.customSections(module, name);
  return section && Buffer.from(section).toString();
}
