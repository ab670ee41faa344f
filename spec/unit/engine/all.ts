import { runSpecs } from '../../support/threads/run-specs.ts';

await runSpecs(import.meta.dirname);
