import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { listSupportedBackends } from 'onnxruntime-node';

const MODULES = join(import.meta.dirname, '../../node_modules');

test('no test process can see a GPU', (t) => {
  t.is(process.env.CUDA_VISIBLE_DEVICES, '');
});

test('no test process reaches for the hub', (t) => {
  t.is(process.env.HF_HUB_OFFLINE, '1');
  t.is(process.env.TRANSFORMERS_OFFLINE, '1');
});

test('no GPU library was installed with ONNX Runtime', (t) => {
  const files = readdirSync(join(MODULES, 'onnxruntime-node/bin'), { recursive: true, encoding: 'utf8' });
  t.true(files.some((file) => file.endsWith('.node')));
  t.deepEqual(
    files.filter((file) => /providers_(cuda|tensorrt|rocm)/.test(file)),
    [],
  );
});

test('ONNX Runtime was installed without CUDA and TensorRT', (t) => {
  const bundled = listSupportedBackends().filter((backend) => backend.bundled);
  t.true(bundled.some(({ name }) => name === 'cpu'));
  t.false(bundled.some(({ name }) => name === 'cuda' || name === 'tensorrt'));
});

test('every session in the project asks for the CPU', (t) => {
  const root = join(import.meta.dirname, '../..');
  const asked: string[] = [];
  for (const folder of ['engine', 'generator', 'golden', 'spec']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('environment.spec.ts')) continue;
      const source = readFileSync(join(root, folder, file), 'utf8');
      for (const [, device] of source.matchAll(/(?:device|executionProviders): (.*?),?\n/g))
        asked.push(device);
    }
  }
  t.true(asked.length >= 2, 'the reference and its float64 twin at least');
  t.deepEqual(
    // WebAssembly is the CPU too.
    asked.filter((device) => !/^(\['cpu'\]|'cpu'|\['wasm'\])/.test(device)),
    [],
  );
});
