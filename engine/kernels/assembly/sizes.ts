import * as constants from '../constants';

// The counts of ../constants.ts in the type that addresses have.
export const PANEL: usize = <usize>constants.PANEL;
export const LEAVES: usize = <usize>constants.LEAVES;
export const STRIP: usize = <usize>constants.STRIP;
export const QUERIES: usize = <usize>constants.QUERIES;
