import type { ArithmeticOperator } from './arithmetic.ts';
import type { ComparisonOperator } from './comparison.ts';
import type { Value } from './values.ts';

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly keywords: readonly (readonly [string, Expression])[];
  readonly spread?: Expression;
  readonly keywordSpread?: Expression;
}

export type Expression =
  | { readonly kind: 'constant'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly pairs: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'item'; readonly object: Expression; readonly key: Expression }
  | {
      readonly kind: 'slice';
      readonly object: Expression;
      readonly bounds: readonly (Expression | undefined)[];
    }
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: Arguments }
  | { readonly kind: 'filter'; readonly operand: Expression; readonly name: string; readonly args: Arguments }
  | { readonly kind: 'test'; readonly operand: Expression; readonly name: string; readonly args: Arguments }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'signed'; readonly operator: '+' | '-'; readonly operand: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  | {
      readonly kind: 'compare';
      readonly first: Expression;
      readonly rest: readonly (readonly [ComparisonOperator, Expression])[];
    }
  | {
      readonly kind: 'condition';
      readonly test: Expression;
      readonly whenTrue: Expression;
      readonly otherwise: Expression | undefined;
    };

/** What can stand left of `=`: names, attributes of namespaces, and tuples of these. */
export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'namespace'; readonly name: string; readonly attribute: string }
  | { readonly kind: 'targets'; readonly items: readonly Target[] };

export interface Parameters {
  readonly names: readonly string[];
  /** Defaults of the last parameters. */
  readonly defaults: readonly Expression[];
}

export interface FilterCall {
  readonly name: string;
  readonly args: Arguments;
}

export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly expression: Expression }
  | {
      readonly kind: 'for';
      readonly target: Target;
      readonly iterable: Expression;
      readonly test: Expression | undefined;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | {
      readonly kind: 'if';
      readonly branches: readonly (readonly [Expression, Body])[];
      readonly otherwise: Body;
    }
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'setBlock';
      readonly target: Target;
      readonly filters: readonly FilterCall[];
      readonly body: Body;
    }
  | { readonly kind: 'macro'; readonly name: string; readonly parameters: Parameters; readonly body: Body }
  | {
      readonly kind: 'callBlock';
      readonly parameters: Parameters;
      readonly call: Extract<Expression, { kind: 'call' }>;
      readonly body: Body;
    }
  | { readonly kind: 'filterBlock'; readonly filters: readonly FilterCall[]; readonly body: Body }
  | {
      readonly kind: 'with';
      readonly targets: readonly Target[];
      readonly values: readonly Expression[];
      readonly body: Body;
    }
  /** HuggingFace's mark of what the assistant has written. */
  | { readonly kind: 'generation'; readonly body: Body }
  | { readonly kind: 'break' | 'continue' };

export type Body = readonly Statement[];
