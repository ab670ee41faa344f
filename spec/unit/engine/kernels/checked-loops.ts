// Checks the loops with 256-bit vectors, and prints a line when that is done. Run in a process of its own, in
// which V8 prints what it compiles.
import { writeSync } from 'node:fs';
import { compile, readKernels } from '../../../../engine/kernels/instance.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { checkWide } from '../../../../engine/kernels/revectorize.ts';
import { KERNELS_URL } from '../../../../engine/kernels/sources.ts';

const bytes = await readKernels(KERNELS_URL);
const narrow = compile(bytes, KERNELS_URL);
const { memory } = new KernelMemory(2 ** 16);
const wide = checkWide({ narrow, bytes, wasmUrl: KERNELS_URL, memory });
writeSync(1, `\nchecked: ${wide ? 'the same bits' : 'other bits'}\n`);
