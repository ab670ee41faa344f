import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { nearestSpecs } from '../../../../support/mutants/random/nearest-specs.ts';

const ROOT = fileURLToPath(new URL('../../../../..', import.meta.url));

test('the specs of the name come first, then those of the part', (t) => {
  t.deepEqual(nearestSpecs(ROOT, 'engine/model/moe.ts'), [
    ['spec/unit/engine/model/moe.spec.ts'],
    ['spec/property/engine-against-oracle.spec.ts', 'spec/property/engine-bits.spec.ts'],
  ]);
  t.deepEqual(nearestSpecs(ROOT, 'engine/parallel/tree-sum.ts')[0], [
    'spec/unit/engine/parallel/tree-sum.spec.ts',
  ]);
  const [own] = nearestSpecs(ROOT, 'engine/engine.ts');
  t.true(own.includes('spec/unit/engine/engine-faults.spec.ts'), 'specs of the name and a word more');
});

test('a source without a spec of its name has those of its folder, the compiled kernels two', (t) => {
  t.deepEqual(nearestSpecs(ROOT, 'engine/text/jinja/lexer.ts')[0], [
    'spec/unit/engine/text/jinja/budget.spec.ts',
    'spec/unit/engine/text/jinja/kinds.spec.ts',
    'spec/unit/engine/text/jinja/parse-json.spec.ts',
    'spec/unit/engine/text/jinja/strftime.spec.ts',
    'spec/unit/engine/text/jinja/template.spec.ts',
    'spec/unit/engine/text/jinja/unicode.spec.ts',
  ]);
  t.deepEqual(nearestSpecs(ROOT, 'engine/kernels/assembly/matmul/tile.ts')[0], [
    'spec/unit/engine/kernels/kernels.spec.ts',
    'spec/unit/engine/kernels/pool.spec.ts',
    'spec/unit/engine/kernels/select.spec.ts',
    'spec/unit/engine/kernels/untouched.spec.ts',
  ]);
});

test('every source has specs, and every spec that is named exists', (t) => {
  const specs = new Set(globSync('spec/**/*.spec.ts', { cwd: ROOT }));
  for (const file of globSync('{engine,generator,golden,verify}/**/*.ts', { cwd: ROOT })) {
    const nearest = nearestSpecs(ROOT, file).flat();
    t.true(nearest.length > 0, file);
    for (const spec of nearest) t.true(specs.has(spec), `${file}: ${spec}`);
  }
});
