import { Engine } from '../../../engine/index.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import type { Subject, SubjectModel } from '../../../verify/subject.ts';

/** Our engine, as a subject. */
export const OWN_ENGINE: Subject = engineSubject('plumbline', Engine);

/** Our engine with something else in its answers. */
export function changedEngine(change: (model: SubjectModel) => Partial<SubjectModel>): Subject {
  return {
    info: { name: 'changed' },
    async load(dir) {
      const model = await OWN_ENGINE.load(dir);
      const bound: SubjectModel = {
        capabilities: model.capabilities,
        forward: (request) => model.forward(request),
        generate: (request) => model.generate(request),
        close: () => model.close(),
      };
      return { ...bound, ...change(bound) };
    },
  };
}
