import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';

/**
 * Whether a program that a test needs is installed. Without it the test says so and passes, but fails where CI=true.
 */
export function hasProgram(t: ExecutionContext, program: string): boolean {
  if (spawnSync(program, ['--version']).status === 0) return true;
  t.log(`NOT TESTED: ${program} is not installed`);
  t.not(process.env.CI, 'true', `CI must install ${program}`);
  return false;
}
