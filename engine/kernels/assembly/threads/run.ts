import * as abi from '../../abi';
import { attention } from '../attention/attention';
import { storeKeyValue } from '../attention/key-value';
import { attentionTiled } from '../attention/tiled';
import { argmax } from '../elementwise/argmax';
import { add, addScaled, siluMultiply } from '../elementwise/elementwise';
import { rmsNorm } from '../elementwise/rms-norm';
import { rope } from '../elementwise/rope';
import { gather } from '../matmul/gather';
import { matmul } from '../matmul/matmul';
import { packPanels } from '../matmul/pack-panels';
import { packRows } from '../matmul/pack-rows';
import { BF16, F16 } from '../matmul/weights';
import { Job } from './job';

/**
 * Computes the units first … last of a job.
 *
 * @param thread the one that computes; each has scratch memory of its own
 */
export function runPart(job: usize, first: usize, last: usize, thread: usize): void {
  const it = changetype<Job>(job);
  const args = job + <usize>abi.JOB_BYTES;
  const scratch = it.scratch + thread * it.scratchBytes;
  switch (it.kernel) {
    case <u32>abi.KERNEL_MATMUL_F32:
      matmul<f32>(changetype<abi.MatmulArguments>(args), first, last, scratch);
      break;
    case <u32>abi.KERNEL_MATMUL_F16:
      matmul<F16>(changetype<abi.MatmulArguments>(args), first, last, scratch);
      break;
    case <u32>abi.KERNEL_MATMUL_BF16:
      matmul<BF16>(changetype<abi.MatmulArguments>(args), first, last, scratch);
      break;
    case <u32>abi.KERNEL_GATHER_F32:
      gather<f32>(changetype<abi.GatherArguments>(args));
      break;
    case <u32>abi.KERNEL_GATHER_F16:
      gather<F16>(changetype<abi.GatherArguments>(args));
      break;
    case <u32>abi.KERNEL_GATHER_BF16:
      gather<BF16>(changetype<abi.GatherArguments>(args));
      break;
    case <u32>abi.KERNEL_PACK_ROWS:
      packRows(changetype<abi.PackRowsArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_PACK_PANELS_16:
      packPanels<u16>(changetype<abi.PackPanelsArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_PACK_PANELS_32:
      packPanels<u32>(changetype<abi.PackPanelsArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_ATTENTION:
      attention(changetype<abi.AttentionArguments>(args), first, last, thread);
      break;
    case <u32>abi.KERNEL_ATTENTION_TILED:
      attentionTiled(changetype<abi.AttentionArguments>(args), first, last, scratch, thread);
      break;
    case <u32>abi.KERNEL_STORE_KEY_VALUE:
      storeKeyValue(changetype<abi.StoreKeyValueArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_RMS_NORM:
      rmsNorm(changetype<abi.RmsNormArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_ROPE:
      rope(changetype<abi.RopeArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_SILU_MULTIPLY:
      siluMultiply(changetype<abi.SiluMultiplyArguments>(args), first, last, scratch);
      break;
    case <u32>abi.KERNEL_ADD:
      add(changetype<abi.AddArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_ADD_SCALED:
      addScaled(changetype<abi.AddScaledArguments>(args), first, last);
      break;
    case <u32>abi.KERNEL_ARGMAX:
      argmax(changetype<abi.ArgmaxArguments>(args), first, last);
      break;
  }
}
