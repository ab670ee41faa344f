import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { cacheFolder } from '../../../engine/checkpoint/cache-folder.ts';
import { FileError } from '../../../engine/errors.ts';
import { ensureWholeFolder } from '../../../generator/fixtures/whole-folder.ts';
import { type InstalledLlamaCpp, importNodeLlamaCpp } from './binding.ts';

/** The version of node-llama-cpp and of the llama.cpp that it brings. */
const VERSION = '3.22.1';

/** Packages that have llama.cpp compiled for the CPU, by Node's platform and architecture. */
const COMPILED: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
};

/** The folder in whose `node_modules` node-llama-cpp is, or will be. */
export const LLAMA_CPP_FOLDER: string = join(cacheFolder(), 'packages', `node-llama-cpp-${VERSION}`);

/**
 * node-llama-cpp, installed once from the npm registry. No script of a package runs, and no other binary is
 * fetched. Where it cannot be had, the test says so and passes, but fails where CI=true.
 *
 * @returns undefined if it cannot be had.
 */
export async function nodeLlamaCpp(
  t: Pick<ExecutionContext, 'log' | 'not'>,
): Promise<InstalledLlamaCpp | undefined> {
  try {
    installed ??= installOnce();
    return await installed;
  } catch (error) {
    t.log(`NOT TESTED: node-llama-cpp is absent: ${(error as Error).message}`);
    t.not(process.env.CI, 'true', 'CI must reach the npm registry');
    return undefined;
  }
}

/** Of this process: tests that find no registry do not each wait for it. */
let installed: Promise<InstalledLlamaCpp | undefined> | undefined;

async function installOnce(): Promise<InstalledLlamaCpp | undefined> {
  await ensureWholeFolder(LLAMA_CPP_FOLDER, install);
  return await importNodeLlamaCpp(LLAMA_CPP_FOLDER);
}

async function install(folder: string): Promise<void> {
  const compiled = COMPILED[`${process.platform}-${process.arch}`];
  if (!compiled) throw new FileError(`there is no llama.cpp for ${process.platform}-${process.arch}`);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const packages = [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${compiled}@${VERSION}`];
  const flags = ['--omit=optional', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  // Without a network the second try fails within seconds.
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=60000'];
  try {
    await promisify(execFile)('npm', ['install', ...flags, ...patience, ...packages], { cwd: folder });
  } catch (cause) {
    const { stderr = '', message } = cause as { stderr?: string; message: string };
    const reason = /^npm error code (\w+)$/m.exec(stderr)?.[1] ?? message;
    const what = `cannot install ${packages[0]} (${reason})`;
    throw new FileError(`${what}; let npm reach its registry once: it is kept in ${LLAMA_CPP_FOLDER}`, {
      cause,
    });
  }
}
