import type { Bug } from './bug.ts';

export const HEAD_BUGS: readonly Bug[] = [
  {
    name: 'head-from-embedding',
    title: 'an untied head is taken from the embedding',
    applies: ({ tieWordEmbeddings }) => !tieWordEmbeddings,
    make: () => ({
      taps: {
        matmul({ name, compute }) {
          compute(name === 'lm_head.weight' ? 'model.embed_tokens.weight' : undefined);
        },
      },
    }),
  },
  {
    name: 'logits-constant',
    title: 'the logits are constant',
    make: () => ({ row: (row) => new Float32Array(row.length) }),
  },
  {
    name: 'rows-one-late',
    title: 'the logits of the row before are returned',
    make: () => ({ rowOf: (position) => Math.max(0, position - 1) }),
  },
  {
    name: 'weights-truncated-to-bf16',
    title: 'weights are truncated to bfloat16, not rounded',
    make: () => ({
      taps: {
        weights(_name, rows) {
          const bits = new Uint32Array(rows.buffer, rows.byteOffset, rows.length);
          for (let i = 0; i < bits.length; i++) bits[i] &= 0xffff0000;
        },
      },
    }),
  },
];
