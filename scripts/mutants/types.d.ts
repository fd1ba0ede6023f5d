import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The number of the rule that is off; -1 for none. */
    removedRule: number;
  }
  interface TaskMeta {
    /** The numbers of the rules that the test comes past. */
    rules?: number[];
  }
}
