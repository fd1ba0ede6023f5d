/** The tests that run in workerd, kept in one process: which of them notice that a rule is off. */
import { createVitest, type TestCase, type TestModule, type Vitest } from 'vitest/node';

/** The tests of one file that come past a rule. */
export interface Passing {
  file: string;
  /** Their names, with those of the suites around them. */
  tests: string[];
  /** Milliseconds that they took. */
  duration: number;
}

export class Tests {
  #vitest: Vitest;

  private constructor(vitest: Vitest) {
    this.#vitest = vitest;
  }

  /** `maxWorkers`: how many files are tested at the same time, where more than one is to be. */
  static async start(root: string, maxWorkers: number): Promise<Tests> {
    const vitest = await createVitest('test', {
      root,
      project: ['workers'],
      watch: false,
      maxWorkers,
      silent: true,
      reporters: [{}],
    });
    await vitest.standalone();
    return new Tests(vitest);
  }

  close(): Promise<void> {
    return this.#vitest.close();
  }

  /**
   * Runs them with each rule in place, and tells which come past which rule. `parts`: of those with
   * such a part in their path; none: all.
   */
  async run(parts: string[]): Promise<{ passings: Passing[][]; failed: string[] }> {
    const specifications = await this.#vitest.globTestSpecifications(parts);
    this.#vitest.provide('removedRule', -1);
    const { testModules } = await this.#vitest.runTestSpecifications(specifications);
    const passings: Passing[][] = [];
    for (const module of testModules) {
      for (const [rule, tests] of testsByRule(module)) {
        const duration = tests.reduce((sum, test) => sum + (test.diagnostic()?.duration ?? 0), 0);
        passings[rule] ??= [];
        passings[rule].push({ file: module.moduleId, tests: tests.map(nameOf), duration });
      }
    }
    const failed = testModules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId);
    return { passings, failed };
  }

  /** Whether a test of the file fails with the rule off. `names`: of these tests. */
  async notice(rule: number, file: string, names?: string[]): Promise<boolean> {
    const testNamePattern = names && new RegExp(`^(?:${names.map(escapeName).join('|')})$`);
    this.#vitest.config.bail = 1;
    this.#vitest.provide('removedRule', rule);
    const specification = this.#vitest
      .getProjectByName('workers')
      .createSpecification(file, { testNamePattern });
    const { testModules } = await this.#vitest.runTestSpecifications([specification]);
    return testModules.some((module) => !module.ok());
  }
}

function testsByRule(module: TestModule): Map<number, TestCase[]> {
  const byRule = new Map<number, TestCase[]>();
  for (const test of module.children.allTests())
    for (const rule of test.meta().rules ?? [])
      byRule.set(rule, [...(byRule.get(rule) ?? []), test]);
  return byRule;
}

/** As a pattern of names is compared with it: with the names of the suites around it. */
function nameOf(test: TestCase): string {
  const names = [test.name];
  for (let at = test.parent; at.type === 'suite'; at = at.parent) names.unshift(at.name);
  return names.join(' ');
}

const escapeName = (name: string) => name.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
