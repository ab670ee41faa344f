import { readFileSync, writeFileSync } from 'node:fs';
import { Engine } from '../../../engine/engine.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import { type ServedRows, serveRows } from './sharded-rows.ts';
import { hashesOf, type ShardedOutcome, type ShardedTask } from './sharded-workloads.ts';

/**
 * A program of many ranks, for mpirun: `sharded-main.ts TASK.json OUTCOME.json`. Rank 0 serves the task's
 * workloads and writes the outcome; on the other ranks `Engine.load` does not return.
 */
const [taskFile, outcomeFile] = process.argv.slice(2);
const { dir, options, workloads }: ShardedTask = JSON.parse(readFileSync(taskFile, 'utf8'));
const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
const engine = await Engine.load(dir, { ...options, kernels });
const hashes = hashesOf(engine);
const served: ServedRows[] = [];
for (const requests of workloads) served.push(await serveRows(engine, requests));
const outcome: ShardedOutcome = { hashes, served, stats: engine.stats() };
writeFileSync(outcomeFile, JSON.stringify(outcome));
await engine.close();
