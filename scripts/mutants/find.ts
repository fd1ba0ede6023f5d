/**
 * The rules of a source file that can be removed one at a time: a guard that refuses, an assertion
 * that throws, a condition of a query or of a decision, a middleware before a route's handler.
 * All of them stay in the source, each behind a switch (switch.ts), so that it is built once.
 */
import { type Node, parseSync, Visitor } from 'oxc-parser';

export interface Rule {
  file: string;
  line: number;
  /** What is removed, on one line. */
  text: string;
}

interface Insertion {
  at: number;
  text: string;
}

const ROUTES = new Set(['get', 'post', 'put', 'patch', 'delete', 'on', 'use']);
/** Drizzle's, which leave out what is undefined. */
const CONJUNCTIONS = new Set(['and', 'or']);
const ASSERTION = /^(assert|require|refuse|throttle)[A-Z]/;

/** Returns the rules in the order of the source; `first` is the number of the first one. */
export function withSwitches(file: string, source: string, first: number) {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const rules: Rule[] = [];
  const insertions: Insertion[] = [];
  /** Puts a rule behind a switch: `before` it, which gets the switch, and `after` it. */
  const add = (rule: Node, { start, end }: Node, before: (on: string) => string, after: string) => {
    insertions.push({ at: start, text: before(`$rule(${first + rules.length})`) });
    insertions.push({ at: end, text: after });
    const line = source.slice(0, rule.start).split('\n').length;
    const text = source.slice(rule.start, rule.end).replaceAll(/\s+/g, ' ').slice(0, 120);
    rules.push({ file, line, text });
  };
  new Visitor({
    IfStatement(node) {
      if (node.alternate !== null || !leaves(node.consequent)) return;
      add(node as Node, node.test, (on) => `${on} && (`, ')');
    },
    ExpressionStatement(node) {
      const { expression } = node;
      const call = expression.type === 'AwaitExpression' ? expression.argument : expression;
      if (call.type === 'CallExpression' && ASSERTION.test(nameOf(call.callee)))
        add(node as Node, node as Node, (on) => `if (${on}) `, '');
    },
    LogicalExpression({ left, right, operator }) {
      if (operator === '??') return;
      const neutral = operator === '&&';
      const kept = `$kept[${first + rules.length}]`;
      add(left, left, (on) => `(${kept} = ${on} ? (`, `) : ${neutral})`);
      // Without its right side the whole is what the left one was.
      add(right, right, (on) => `(${on} ? (`, `) : ${kept})`);
    },
    CallExpression({ callee, arguments: list }) {
      const name = nameOf(callee);
      const isConjunction = callee.type === 'Identifier' && CONJUNCTIONS.has(name);
      const isRoute =
        callee.type === 'MemberExpression' && ROUTES.has(name) && list[0]?.type === 'Literal';
      // Of a route: what stands between the path and the handler.
      const removable = isConjunction ? list : isRoute ? list.slice(1, -1) : [];
      for (const argument of removable) {
        if (argument.type === 'SpreadElement') continue;
        const without = isRoute ? '(_, next) => next()' : 'undefined';
        add(argument, argument, (on) => `(${on} ? (`, `) : ${without})`);
      }
    },
  }).visit(program);
  return { rules, source: insert(source, insertions) };
}

/** Of two insertions at one place, what ends comes before what begins; an inner end first. */
function insert(source: string, insertions: Insertion[]): string {
  const isEnd = ({ text }: Insertion) => text === '' || text.startsWith(')');
  const ordered = insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort(
      (a, b) =>
        a.at - b.at ||
        Number(isEnd(b)) - Number(isEnd(a)) ||
        (isEnd(a) ? b.order - a.order : a.order - b.order),
    );
  let result = '';
  let done = 0;
  for (const { at, text } of ordered) {
    result += source.slice(done, at) + text;
    done = at;
  }
  return result + source.slice(done);
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
