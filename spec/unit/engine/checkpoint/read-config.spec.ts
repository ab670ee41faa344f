import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readModelConfig } from '../../../../engine/checkpoint/read-config.ts';
import { ConfigError } from '../../../../engine/errors.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const CONFIG = {
  model_type: 'qwen3',
  vocab_size: 19,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  eos_token_id: 5,
};

test('stop tokens of generation_config.json take precedence over config.json', async (t) => {
  const dir = temporaryFolder(t);
  const write = (file: string, json: object) => writeFileSync(join(dir, file), JSON.stringify(json));
  write('config.json', CONFIG);
  t.deepEqual((await readModelConfig(dir)).eosTokenIds, [5]);
  write('generation_config.json', { eos_token_id: [5, 3] });
  t.deepEqual((await readModelConfig(dir)).eosTokenIds, [5, 3]);
  write('generation_config.json', { do_sample: false });
  t.deepEqual((await readModelConfig(dir)).eosTokenIds, [5]);
  write('generation_config.json', { eos_token_id: 19 });
  await t.throwsAsync(readModelConfig(dir), {
    instanceOf: ConfigError,
    message: `${join(dir, 'config.json')}, with generation_config.json: eos_token_id 19 is outside the vocabulary of 19`,
  });
});

test('a file that cannot be read or parsed is named with what is wrong', async (t) => {
  const dir = temporaryFolder(t);
  const [config, generation] = [join(dir, 'config.json'), join(dir, 'generation_config.json')];
  const refused = (message: string) =>
    t.throwsAsync(readModelConfig(dir), { instanceOf: ConfigError, message });
  const missing = await refused(
    `cannot read ${config} (ENOENT); a HuggingFace model directory has a config.json`,
  );
  t.like(missing.cause, { code: 'ENOENT', path: config });
  for (const [path, text] of [
    [config, '{"model_type": '],
    [config, ''],
    [generation, '{'],
  ]) {
    writeFileSync(path, text);
    const error = await t.throwsAsync(readModelConfig(dir), { instanceOf: ConfigError });
    t.true(error.cause instanceof SyntaxError);
    t.is(error.message, `cannot read ${path} as JSON: ${(error.cause as Error).message}`);
  }
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 700\n`;
  writeFileSync(config, pointer);
  rmSync(generation);
  await refused(
    `cannot read ${config}: it is a Git LFS pointer, not the file itself; run git lfs pull where the model was cloned`,
  );
  writeFileSync(config, JSON.stringify(CONFIG));
  writeFileSync(generation, '{"eos_token_id": "<|im_end|>"}');
  await refused(`${generation}: eos_token_id: Invalid input`);
  writeFileSync(generation, 'null');
  await refused(`${generation}: Invalid input: expected object, received null`);
  // One that is there and cannot be read does not count as missing.
  rmSync(join(dir, 'generation_config.json'));
  for (const file of ['generation_config.json', 'config.json']) {
    rmSync(join(dir, file), { force: true });
    mkdirSync(join(dir, file));
    await refused(`cannot read ${join(dir, file)} (EISDIR)`);
    rmdirSync(join(dir, file));
  }
});
