import { goldenTests } from '../../support/golden/golden-tests.ts';

goldenTests('peaked');
