import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { API } from 'typescript/unstable/sync';
import { type Edit, editsOf } from './edits.ts';

/** What became of the specs that were run. */
export type Outcome = 'green' | 'red' | 'out of time';

/** A copy of the project in a temporary folder, to be edited. */
export class SourceCopy {
  readonly root: string;
  readonly #signal: AbortSignal;

  /** @param project the root of the project. @param signal ends what runs in the copy. */
  constructor(project: string, signal: AbortSignal) {
    this.root = mkdtempSync(join(tmpdir(), 'plumbline-mutants-'));
    this.#signal = signal;
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: project,
      encoding: 'utf8',
    });
    const [tops, singles] = [new Set<string>(), [] as string[]];
    for (const path of listed.split('\0')) {
      if (dirname(path) === '.') singles.push(path);
      else tops.add(path.split('/')[0]);
    }
    for (const path of [...tops, ...singles.filter(Boolean)]) {
      cpSync(join(project, path), join(this.root, path), { recursive: true });
    }
    symlinkSync(join(project, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** Whether nothing more is run in it. */
  get isEnded(): boolean {
    return this.#signal.aborted;
  }

  /** The edits of some sources. @throws RangeError if one cannot be parsed. */
  edits(files: readonly string[]): Edit[] {
    const config = join(this.root, 'tsconfig.mutants.json');
    const compilerOptions = { noLib: true, noResolve: true, types: [], allowImportingTsExtensions: true };
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, noEmit: true }, files }));
    const api = new API({ cwd: this.root });
    try {
      const [project] = api.updateSnapshot({ openProject: config }).getProjects();
      return files.flatMap((file) => {
        const source = project.program.getSourceFile(join(this.root, file));
        if (!source) throw new RangeError(`cannot parse ${file}`);
        return editsOf(file, source);
      });
    } finally {
      api.close();
      rmSync(config);
    }
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  /** Runs a task with an edit in place. */
  async withEdit<T>({ file, begin, end, after }: Edit, task: () => Promise<T>): Promise<T> {
    const text = this.read(file);
    writeFileSync(join(this.root, file), text.slice(0, begin) + after + text.slice(end));
    try {
      return await task();
    } finally {
      writeFileSync(join(this.root, file), text);
    }
  }

  /** Compiles the kernels, unless those that were copied are of these sources. @returns whether it can. */
  async buildKernels(): Promise<boolean> {
    return (await this.#run(['engine/kernels/build.ts', '--if-stale'], 120_000)) === 'green';
  }

  /** Whether the types are right, as `npm test` wants them. */
  async hasTypes(): Promise<boolean> {
    return (await this.#run(['node_modules/typescript/bin/tsc'], 300_000)) === 'green';
  }

  /** @param limit in ms; then the specs are ended. */
  test(specs: readonly string[], limit: number): Promise<Outcome> {
    return this.#run(['node_modules/.bin/ava', '--fail-fast', ...specs], limit);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #run(args: readonly string[], limit: number): Promise<Outcome> {
    this.#signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      // A group of its own, so that all of it can be ended.
      const child = spawn(process.execPath, args, { cwd: this.root, stdio: 'ignore', detached: true });
      const kill = () => {
        if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGKILL');
      };
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        kill();
      }, limit);
      this.#signal.addEventListener('abort', kill);
      const end = () => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', kill);
      };
      child.on('error', (error) => {
        end();
        reject(error);
      });
      child.on('close', (exitCode) => {
        end();
        if (this.#signal.aborted) reject(this.#signal.reason);
        else resolve(isLate ? 'out of time' : exitCode === 0 ? 'green' : 'red');
      });
    });
  }
}
