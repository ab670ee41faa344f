import { runSpecs } from '../../support/ava/run-specs.ts';

await runSpecs(import.meta.dirname);
