import {
  ATTENTION,
  ATTENTION_TILED,
  MATMUL_BF16,
  MATMUL_F16,
  MATMUL_F32,
  PACK_PANELS_16,
  PACK_PANELS_32,
  PACK_ROWS,
  SILU_MULTIPLY,
} from '../constants';
import { attention } from './attention';
import { attentionTiled } from './attention-tiled';
import { siluMultiply } from './elementwise';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { Job } from './job';
import { matmul } from './matmul';
import { packPanels } from './pack-panels';
import { packRows } from './pack-rows';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { BF16, F16 } from './weights';

/** Computes the units first … last of a job. @param thread that computes them: each has scratch memory of its own */
export function runPart(job: usize, first: usize, last: usize, thread: usize): void {
  const it = changetype<Job>(job);
  const scratch = it.scratch + thread * it.scratchBytes;
  switch (it.kernel) {
    case <u32>MATMUL_F32:
      matmul<f32>(job, first, last, scratch);
      break;
    case <u32>MATMUL_F16:
      matmul<F16>(job, first, last, scratch);
      break;
    case <u32>MATMUL_BF16:
      matmul<BF16>(job, first, last, scratch);
      break;
    case <u32>PACK_ROWS:
      packRows(job, first, last);
      break;
    case <u32>PACK_PANELS_16:
      packPanels<u16>(job, first, last);
      break;
    case <u32>PACK_PANELS_32:
      packPanels<u32>(job, first, last);
      break;
    case <u32>ATTENTION:
      attention(job, first, last, thread);
      break;
    case <u32>ATTENTION_TILED:
      attentionTiled(job, first, last, scratch, thread);
      break;
    case <u32>SILU_MULTIPLY:
      siluMultiply(job, first, last);
      break;
  }
}
