import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  isBinaryExpression,
  isBlock,
  isCallExpression,
  isExpressionStatement,
  isIdentifier,
  isIfStatement,
  isNumericLiteral,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
  isReturnStatement,
  isTypeNode,
} from 'typescript/unstable/ast/is';

/** A small change of a source. */
export interface Edit {
  /** The path of the source from the root of the project. */
  readonly file: string;
  readonly kind: EditKind;
  /** Offsets in the source's text, in UTF-16 units. */
  readonly begin: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
}

export type EditKind = 'comparison' | 'operator' | 'constant' | 'condition' | 'order' | 'dropped call';

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
};
const OPERATORS: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '+=': '-=',
  '-=': '+=',
  '<<': '>>',
  '>>': '<<',
  '>>>': '<<',
  '&': '|',
  '|': '&',
  '&&': '||',
  '||': '&&',
};
/** Functions whose place another takes; in AssemblyScript they have no `Math.` in front. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  every: 'some',
  some: 'every',
};

/**
 * Functions whose arguments are left alone: with others they would end processes and remove files of the
 * machine that the edits are tried on.
 */
const DANGEROUS: ReadonlySet<string> = new Set(['kill', 'rm', 'rmSync', 'rename', 'renameSync']);

/**
 * All edits of a source that this module knows. Types, imports, and what is thrown (messages) are left alone.
 *
 * @param source its root, as `typescript/unstable/sync` parses it.
 */
export function editsOf(file: string, source: Node): Edit[] {
  const edits: Edit[] = [];
  const add = (kind: EditKind, node: Node, after: string): void => {
    const before = node.getText();
    if (before !== after) edits.push({ file, kind, begin: node.getStart(), end: node.end, before, after });
  };
  const visit = (node: Node): void => {
    if (isTypeNode(node) || LEFT_ALONE.has(node.kind)) return;
    if (isBinaryExpression(node)) {
      const operator = node.operatorToken.getText();
      if (COMPARISONS[operator]) add('comparison', node.operatorToken, COMPARISONS[operator]);
      if (OPERATORS[operator]) add('operator', node.operatorToken, OPERATORS[operator]);
    } else if (isNumericLiteral(node)) {
      add('constant', node, String(Number(node.text.replaceAll('_', '')) + 1));
    } else if (node.kind === SyntaxKind.TrueKeyword) {
      add('constant', node, 'false');
    } else if (node.kind === SyntaxKind.FalseKeyword) {
      add('constant', node, 'true');
    } else if (isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
      add('condition', node, node.operand.getText());
    } else if (isIfStatement(node) && !node.elseStatement && endsBlock(node.thenStatement)) {
      // A case that is no longer treated apart.
      add('condition', node.expression, 'false');
    } else if (isCallExpression(node)) {
      const called = isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
      if (isIdentifier(called) && DANGEROUS.has(called.text)) return;
      if (isIdentifier(called) && FUNCTIONS[called.text]) add('operator', called, FUNCTIONS[called.text]);
      swapNeighbours(node.arguments);
    } else if (isExpressionStatement(node) && isCall(node.expression)) {
      add('dropped call', node, ';');
    } else if (isBlock(node)) {
      swapNeighbours(node.statements.filter(isExpressionStatement));
    }
    node.forEachChild(visit);
  };
  visit(source);
  return edits;

  function swapNeighbours(nodes: readonly Node[]): void {
    for (const [i, first] of nodes.entries()) {
      const second = nodes[i + 1];
      if (!second || first.getText() === second.getText()) continue;
      const [begin, end] = [first.getStart(), second.end];
      const text = source.getText();
      const offset = source.getStart();
      const between = text.slice(first.end - offset, second.getStart() - offset);
      // Other statements between the two, or a comment, are not moved.
      if (!/^[\s,]*$/.test(between)) continue;
      const before = text.slice(begin - offset, end - offset);
      const after = second.getText() + between + first.getText();
      edits.push({ file, kind: 'order', begin, end, before, after });
    }
  }
}

const LEFT_ALONE: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ImportDeclaration,
  SyntaxKind.ThrowStatement,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
]);

/** A statement after which the block goes on only if it was not run. */
function endsBlock(statement: Node): boolean {
  const last = isBlock(statement) ? statement.statements.at(-1) : statement;
  return (
    last !== undefined &&
    (isReturnStatement(last) ||
      last.kind === SyntaxKind.ThrowStatement ||
      last.kind === SyntaxKind.ContinueStatement ||
      last.kind === SyntaxKind.BreakStatement)
  );
}

function isCall(expression: Node): boolean {
  if (isCallExpression(expression)) return true;
  let called: Node | undefined;
  if (expression.kind === SyntaxKind.AwaitExpression) {
    expression.forEachChild((child) => {
      called = child;
    });
  }
  return called !== undefined && isCallExpression(called);
}

/** The line of an edit, 1 and more. */
export function lineOf(text: string, { begin }: Edit): number {
  return text.slice(0, begin).split('\n').length;
}
