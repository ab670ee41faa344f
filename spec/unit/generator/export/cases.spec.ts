import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { exportCases } from '../../../../generator/export/cases.ts';
import { dumpCases } from '../../../../golden/dump-layout.ts';
import { GOLDEN_FOLDER, goldenModels, readPrompts } from '../../../../golden/goldens.ts';
import { storedCases } from '../../../../golden/verify-case.ts';

const folder = GOLDEN_FOLDER;

test('the exported cases of every fixture are those that the judge asks', (t) => {
  const models = goldenModels();
  t.true(models.length > 3);
  for (const model of models) {
    const asked = storedCases(model, readPrompts(folder, model).prompts);
    t.deepEqual(exportCases({ model, name: model, folder }), dumpCases(model, asked), model);
  }
});

test('a model without goldens is refused with the command that records them', (t) => {
  t.throws(() => exportCases({ model: './mine', name: 'mine', folder }), {
    instanceOf: FileError,
    message: /mine: there are no goldens of \.\/mine; record them: plumbline-goldens --model \.\/mine && /,
  });
});

test("a directory with a fixture's name does not get the fixture's goldens", (t) => {
  t.throws(() => exportCases({ model: './dense', name: 'dense', folder }), {
    instanceOf: FileError,
    message: /there are no goldens of \.\/dense/,
  });
});
