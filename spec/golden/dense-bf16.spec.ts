import { goldenTests } from '../support/golden-tests.ts';

goldenTests('dense-bf16');
