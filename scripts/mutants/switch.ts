/**
 * Runs beside the tests, before any of the source: which rule is removed, and which rules each test
 * comes past.
 */
import { afterEach, inject } from 'vitest';

const removed = inject('removedRule');
const passed = new Set<number>();

Object.assign(globalThis, {
  /** What the left side of a decision was, by the number of its rule. */
  $kept: [],
  $rule(rule: number): boolean {
    passed.add(rule);
    return rule !== removed;
  },
});

// What is passed before the first test, as the source loads, counts as passed by that one.
afterEach(({ task }) => {
  task.meta.rules = [...passed];
  passed.clear();
});
