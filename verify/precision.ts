/**
 * What an engine computes in: the dtype of its activations, or the bits of its weights if they have fewer.
 */
export type PrecisionClass = 'f32' | 'f16' | 'bf16' | '8bit' | '4bit';

/** From the most exact to the least. */
export const PRECISION_CLASSES: readonly PrecisionClass[] = Object.freeze([
  'f32',
  'f16',
  'bf16',
  '8bit',
  '4bit',
]);
