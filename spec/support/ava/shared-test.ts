import ava from 'ava';
import { Declarations } from './declarations.ts';

export const declarations = new Declarations(ava);

/** Takes the place of AVA's `test` in the spec files of this process. */
export default declarations.test;
