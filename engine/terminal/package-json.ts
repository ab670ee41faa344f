import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** What is read of the project's package.json. */
export interface PackageJson {
  readonly version: string;
  /** Packages that only recording needs. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Reads the project's package.json, which lies above the sources and above `dist/`. */
export function readPackageJson(): PackageJson {
  return JSON.parse(readFileSync(findPackageJSON('..', import.meta.url)!, 'utf8'));
}
