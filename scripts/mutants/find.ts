/**
 * The rules of a source file that can be removed one at a time: a guard that refuses, an assertion
 * that throws, a condition of a query or of a decision, a middleware before a route's handler.
 */
import { type Node, parseSync, Visitor } from 'oxc-parser';

export interface Mutant {
  file: string;
  line: number;
  /** What is removed, on one line. */
  rule: string;
  /** The source without it. */
  source: string;
}

const ROUTES = new Set(['get', 'post', 'put', 'patch', 'delete', 'on', 'use']);
/** Drizzle's, whose arguments are conditions. */
const CONJUNCTIONS = new Set(['and', 'or']);
const ASSERTION = /^(assert|require|refuse|throttle)[A-Z]/;

/** Finds them in the order of the source. */
export function findMutants(file: string, source: string): Mutant[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const mutants: Mutant[] = [];
  const remove = ({ start, end }: Node, replacement = '') => {
    mutants.push({
      file,
      line: source.slice(0, start).split('\n').length,
      rule: source.slice(start, end).replaceAll(/\s+/g, ' ').slice(0, 120),
      source: source.slice(0, start) + replacement + source.slice(end),
    });
  };
  /** With the comma after it, or, of the last one, before it. */
  const removeArgument = (list: readonly Node[], at: number) => {
    const [one, next, before] = [list[at] as Node, list[at + 1], list[at - 1]];
    if (next !== undefined) remove({ ...one, end: next.start } as Node);
    else if (before !== undefined) remove({ ...one, start: before.end } as Node);
    else remove(one);
  };
  new Visitor({
    IfStatement(node) {
      if (node.alternate === null && leaves(node.consequent)) remove(node, ';');
    },
    ExpressionStatement({ expression, ...node }) {
      const call = expression.type === 'AwaitExpression' ? expression.argument : expression;
      if (call.type === 'CallExpression' && ASSERTION.test(nameOf(call.callee)))
        remove(node as Node, ';');
    },
    LogicalExpression({ left, right, operator, start, end }) {
      if (operator === '??') return;
      remove({ start: left.start, end: right.start } as Node);
      remove({ start: left.end, end } as Node);
      void start;
    },
    CallExpression({ callee, arguments: list }) {
      const name = nameOf(callee);
      if (callee.type === 'Identifier' && CONJUNCTIONS.has(name))
        for (const at of list.keys()) removeArgument(list, at);
      // Between the path and the handler.
      if (callee.type === 'MemberExpression' && ROUTES.has(name) && list[0]?.type === 'Literal')
        for (let at = 1; at < list.length - 1; at += 1) removeArgument(list, at);
    },
  }).visit(program);
  return mutants.sort((a, b) => a.line - b.line);
}

/** Whether the statement ends by leaving what it is in. */
function leaves(statement: Node): boolean {
  const last = statement.type === 'BlockStatement' ? statement.body.at(-1) : statement;
  return ['ReturnStatement', 'ThrowStatement', 'ContinueStatement'].includes(last?.type ?? '');
}

function nameOf(callee: Node): string {
  if (callee.type === 'Identifier') return callee.name;
  return callee.type === 'MemberExpression' && callee.property.type === 'Identifier'
    ? callee.property.name
    : '';
}
