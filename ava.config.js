import { fileURLToPath } from 'node:url';
import { specCount, startedFiles } from './spec/support/ava/spec-files.ts';

// The slow tier runs only when it is named: `npx ava 'spec/slow/**'`.
const slow = process.argv.some((argument) => argument.includes('spec/slow'));

/** Threads of many files come first, then the tiers of long files, so that none is left over at the end. */
const TIERS = ['distributed', 'integration', 'golden', 'property', 'unit'];
const tierOf = (file) => TIERS.findIndex((tier) => file.includes(`/spec/${tier}/`));

/** With SUBJECT set, an adapter of another engine, only the specs run that ask it something. */
const files = process.env.SUBJECT
  ? ['spec/golden/subject/**/*.spec.ts', 'spec/slow/subject/**/*.spec.ts']
  : startedFiles(import.meta.dirname, process.argv.slice(2));

export default {
  files: [...files, ...(slow ? [] : ['!spec/slow/**'])],
  extensions: ['ts'],
  require: ['./spec/support/properties/report-errors.ts'],
  sortTestFiles: (a, b) => specCount(b) - specCount(a) || tierOf(a) - tierOf(b) || a.localeCompare(b),
  // One more than the cores of a small machine: many tests wait, for a rank, a hub or a time limit.
  concurrency: 3,
  // In threads of one process, each command that a test starts would copy the page tables of all of them.
  workerThreads: false,
  // MiB. A test file loads hundreds of modules; with 1 MiB it collects garbage a tenth of its time.
  nodeArguments: ['--min-semi-space-size=16'],
  timeout: '5m',
  environmentVariables: {
    // No test may find a GPU, and none may reach for the network by accident.
    CUDA_VISIBLE_DEVICES: '',
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    // Hundreds of processes, of commands and of ranks, compile the same sources: half of what they do.
    NODE_COMPILE_CACHE:
      process.env.NODE_COMPILE_CACHE ?? fileURLToPath(new URL('node_modules/.cache/node', import.meta.url)),
  },
};
