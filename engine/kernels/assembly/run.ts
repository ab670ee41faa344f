import {
  ADD,
  ADD_SCALED,
  ATTENTION,
  ATTENTION_TILED,
  MATMUL_BF16,
  MATMUL_F16,
  MATMUL_F32,
  PACK_PANELS_16,
  PACK_PANELS_32,
  PACK_ROWS,
  RMS_NORM,
  ROPE,
  SILU_MULTIPLY,
  STORE_KEY_VALUE,
} from '../constants';
import { attention } from './attention';
import { attentionTiled } from './attention-tiled';
import { add, addScaled, siluMultiply } from './elementwise';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { Job } from './job';
import { storeKeyValue } from './key-value';
import { matmul } from './matmul';
import { packPanels } from './pack-panels';
import { packRows } from './pack-rows';
import { rmsNorm } from './rms-norm';
import { rope } from './rope';
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
    case <u32>RMS_NORM:
      rmsNorm(job, first, last);
      break;
    case <u32>ROPE:
      rope(job, first, last);
      break;
    case <u32>STORE_KEY_VALUE:
      storeKeyValue(job, first, last);
      break;
    case <u32>ADD:
      add(job, first, last);
      break;
    case <u32>ADD_SCALED:
      addScaled(job, first, last);
      break;
  }
}
