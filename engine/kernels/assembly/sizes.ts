import * as abi from '../abi';
import * as numerics from '../numerics';

// The sizes that TypeScript's side shares, in the type of an address.
export const PANEL: usize = <usize>abi.PANEL;
export const TILE_ROWS: usize = <usize>abi.TILE_ROWS;
export const FEW_ROWS: usize = <usize>abi.FEW_ROWS;
export const FEW_ROWS_NARROW: usize = <usize>abi.FEW_ROWS_NARROW;
export const QUERIES: usize = <usize>abi.QUERIES;
export const FEW_QUERIES: usize = <usize>abi.FEW_QUERIES;
export const FEW_QUERIES_NARROW: usize = <usize>abi.FEW_QUERIES_NARROW;
export const UNIT_QUERIES: usize = <usize>abi.UNIT_QUERIES;
export const LEAVES: usize = <usize>numerics.LEAVES;
