import { goldenTests } from '../../support/golden/golden-tests.ts';

goldenTests('dense-bf16');
