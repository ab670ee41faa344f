import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** What is read of the project's package.json. */
export interface PackageJson {
  readonly version: string;
  /** Packages that are pinned for development, with their versions. */
  readonly devDependencies: Readonly<Record<string, string>>;
  /** Packages that only some commands need, with ranges of versions. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Reads the project's package.json, which lies above the sources and above `dist/`. */
export function readPackageJson(): PackageJson {
  return JSON.parse(readFileSync(findPackageJSON('..', import.meta.url)!, 'utf8'));
}
