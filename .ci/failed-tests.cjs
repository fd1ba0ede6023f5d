// Prints a line for each failed test of a JSON report of vitest: file, name, first line of what it said.
// node .ci/failed-tests.cjs REPORT SCRIPT
const { readFileSync } = require('node:fs');

const [report, script] = process.argv.slice(2);
const said = (text = '') => text.split('\n')[0].slice(0, 200);

function failedTests({ testResults }) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${name}: ${said(message)}`];
    return failed.map((test) => `${name}: ${test.fullName}: ${said(test.failureMessages[0])}`);
  });
}

function lines() {
  try {
    return failedTests(JSON.parse(readFileSync(report, 'utf8')));
  } catch {
    return [];
  }
}

const found = lines();
console.log(found.length > 0 ? found.join('\n') : `${script}: no test, but the run itself`);
