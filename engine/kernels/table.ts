import * as abi from './abi.ts';
import type { Kernels } from './kernels.ts';
import {
  argmaxSample,
  attentionSample,
  elementwiseSample,
  gatherSample,
  type MakeSample,
  matmulSample,
  packPanelsSample,
  packRowsSample,
  rmsNormSample,
  ropeSample,
  storeKeyValueSample,
} from './samples.ts';

/** What a compiled kernel is called with, each argument by its name. */
export type ArgumentsOf<A> = { readonly [Name in keyof A]: number };

/** A compiled kernel of `assembly/`. @typeParam A its arguments, a class of `abi.ts` */
export interface Kernel<A extends object = object> {
  /** Its number in `abi.ts`. */
  readonly number: number;
  readonly Arguments: new () => A;
  /** The names of its arguments in the order in which they lie in memory. */
  readonly argumentNames: readonly string[];
  /** The method that runs it. `scalar.ts` has the method in plain TypeScript: same arguments, same bits. */
  readonly method: MethodName;
  /** Makes a call of the method that runs this kernel, for tests and benchmarks. */
  readonly sample: MakeSample;
}

type MethodName = Exclude<
  keyof Kernels,
  'name' | 'threads' | 'bytesAllocated' | 'dispose' | `allocate${string}`
>;

function kernel<A extends object>(entry: Omit<Kernel<A>, 'argumentNames'>): Kernel<A> {
  // Fields are created in the order of their declaration, in which AssemblyScript lays them out, too.
  return { ...entry, argumentNames: Object.keys(new entry.Arguments()) };
}

/** All compiled kernels. A kernel is added here, in `abi.ts` and in `assembly/threads/run.ts`. */
export const KERNELS = {
  matmulF32: kernel({
    number: abi.KERNEL_MATMUL_F32,
    Arguments: abi.MatmulArguments,
    method: 'matmul',
    sample: matmulSample('F32'),
  }),
  matmulF16: kernel({
    number: abi.KERNEL_MATMUL_F16,
    Arguments: abi.MatmulArguments,
    method: 'matmul',
    sample: matmulSample('F16'),
  }),
  matmulBF16: kernel({
    number: abi.KERNEL_MATMUL_BF16,
    Arguments: abi.MatmulArguments,
    method: 'matmul',
    sample: matmulSample('BF16'),
  }),
  gatherF32: kernel({
    number: abi.KERNEL_GATHER_F32,
    Arguments: abi.GatherArguments,
    method: 'gather',
    sample: gatherSample('F32'),
  }),
  gatherF16: kernel({
    number: abi.KERNEL_GATHER_F16,
    Arguments: abi.GatherArguments,
    method: 'gather',
    sample: gatherSample('F16'),
  }),
  gatherBF16: kernel({
    number: abi.KERNEL_GATHER_BF16,
    Arguments: abi.GatherArguments,
    method: 'gather',
    sample: gatherSample('BF16'),
  }),
  packRows: kernel({
    number: abi.KERNEL_PACK_ROWS,
    Arguments: abi.PackRowsArguments,
    method: 'matmul',
    sample: packRowsSample,
  }),
  packPanels16: kernel({
    number: abi.KERNEL_PACK_PANELS_16,
    Arguments: abi.PackPanelsArguments,
    method: 'pack',
    sample: packPanelsSample('BF16'),
  }),
  packPanels32: kernel({
    number: abi.KERNEL_PACK_PANELS_32,
    Arguments: abi.PackPanelsArguments,
    method: 'pack',
    sample: packPanelsSample('F32'),
  }),
  attention: kernel({
    number: abi.KERNEL_ATTENTION,
    Arguments: abi.AttentionArguments,
    method: 'attention',
    sample: attentionSample(false),
  }),
  attentionTiled: kernel({
    number: abi.KERNEL_ATTENTION_TILED,
    Arguments: abi.AttentionArguments,
    method: 'attention',
    sample: attentionSample(true),
  }),
  storeKeyValue: kernel({
    number: abi.KERNEL_STORE_KEY_VALUE,
    Arguments: abi.StoreKeyValueArguments,
    method: 'storeKeyValue',
    sample: storeKeyValueSample,
  }),
  rmsNorm: kernel({
    number: abi.KERNEL_RMS_NORM,
    Arguments: abi.RmsNormArguments,
    method: 'rmsNorm',
    sample: rmsNormSample,
  }),
  rope: kernel({
    number: abi.KERNEL_ROPE,
    Arguments: abi.RopeArguments,
    method: 'rope',
    sample: ropeSample,
  }),
  siluMultiply: kernel({
    number: abi.KERNEL_SILU_MULTIPLY,
    Arguments: abi.SiluMultiplyArguments,
    method: 'siluMultiply',
    // The polynomial of an exp, and a division.
    sample: elementwiseSample(16, (kernels, x, y, length) => kernels.siluMultiply(x, y, length)),
  }),
  add: kernel({
    number: abi.KERNEL_ADD,
    Arguments: abi.AddArguments,
    method: 'add',
    sample: elementwiseSample(1, (kernels, x, y, length) => kernels.add(x, y, length)),
  }),
  addScaled: kernel({
    number: abi.KERNEL_ADD_SCALED,
    Arguments: abi.AddScaledArguments,
    method: 'addScaled',
    sample: elementwiseSample(2, (kernels, x, y, length) => kernels.addScaled(x, y, 0.1, length)),
  }),
  argmax: kernel({
    number: abi.KERNEL_ARGMAX,
    Arguments: abi.ArgmaxArguments,
    method: 'argmax',
    sample: argmaxSample,
  }),
} as const;
