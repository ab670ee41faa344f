import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ended, ended } from './processes.ts';

/** The project's own folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What is said of a file of the package. */
interface PackedFile {
  /** From the root of the package. */
  path: string;
  size: number;
}

/** What `npm pack --json` says. */
interface Packed {
  filename: string;
  /** Bytes of the tarball. */
  size: number;
  files: PackedFile[];
}

/** The variable with the path of what `npm pack --json` said; the tarball is beside it. */
const PACKED = 'PLUMBLINE_PACKED';

/** The package as a user has it: packed, and installed by npm into an empty folder. */
export class InstalledPackage {
  readonly folder: string;
  readonly packed: Packed;
  /** What npm said of the installation. */
  readonly installed: Ended;

  private constructor(folder: string, packed: Packed, installed: Ended) {
    this.folder = folder;
    this.packed = packed;
    this.installed = installed;
  }

  /**
   * Packs the project, unless {@link PACKED} names what is packed, and installs the tarball. Nothing but the
   * registry is needed, and that only for what npm has not kept from earlier.
   *
   * @param folder an empty one.
   * @throws Error with what npm said, if it fails.
   */
  static async make(folder: string): Promise<InstalledPackage> {
    const { packed, tarball } = await pack(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const arguments_ = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball];
    const installed = await run('npm', arguments_, { cwd: folder });
    if (installed.exitCode !== 0) throw new Error(`npm install: ${installed.err}`);
    mkdirSync(join(folder, 'cache'));
    return new InstalledPackage(folder, packed, installed);
  }

  /** Runs one of the package's commands. Fixtures are made in a folder that was empty at first. */
  command(name: string, ...argv: string[]): Promise<Ended> {
    return this.#run(join(this.folder, 'node_modules', '.bin', name), argv);
  }

  /** Runs a program that uses the package. */
  async program(file: string, source: string, ...argv: string[]): Promise<Ended> {
    this.write(file, source);
    return await this.#run(process.execPath, [file, ...argv]);
  }

  /** Runs the compiler over a program that uses the package. */
  async compile(file: string, source: string, options: readonly string[]): Promise<Ended> {
    this.write(file, source);
    return await this.#run(process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...options,
      file,
    ]);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  #run(file: string, argv: readonly string[]): Promise<Ended> {
    return run(file, argv, { cwd: this.folder, env: { PLUMBLINE_CACHE: join(this.folder, 'cache') } });
  }
}

async function pack(folder: string): Promise<{ packed: Packed; tarball: string }> {
  const before = process.env[PACKED];
  if (before) return readPacked(readFileSync(before, 'utf8'), dirname(before));
  const packing = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  if (packing.exitCode !== 0) throw new Error(`npm pack: ${packing.err}`);
  return readPacked(packing.out, folder);
}

/** @param said by npm; before the JSON stands what the build prints. */
function readPacked(said: string, folder: string): { packed: Packed; tarball: string } {
  const [packed]: Packed[] = JSON.parse(said.slice(said.search(/^\[/m)));
  return { packed, tarball: join(folder, packed.filename) };
}

/**
 * Runs a program as a user would: this version of Node comes first, and nothing is left of the npm that may
 * run these tests.
 */
export function run(
  file: string,
  argv: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);
  return ended(
    spawn(file, argv, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        PATH,
        npm_config_update_notifier: 'false',
        ...env,
      },
    }),
  );
}
