/**
 * The CPU time of workerd, as Linux counts it. What else the machine does makes requests wait, but
 * takes none of it.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Of `/proc/<pid>/stat`, which counts in hundredths of a second on every usual kernel. */
const MS_PER_TICK = 10;

/** Milliseconds of all workerd processes that this one started; null on another system. */
export function readCpuMs(): number | null {
  try {
    const tasks = readdirSync(`/proc/${process.pid}/task`);
    const children = tasks.flatMap((task) =>
      readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    const used = children.map(readTicks).reduce((sum, ticks) => sum + ticks, 0);
    return used * MS_PER_TICK;
  } catch {
    return null;
  }
}

function readTicks(pid: string): number {
  const [, name = '', rest = ''] =
    /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  // From the third field on: utime and stime are the 14th and the 15th.
  const fields = rest.split(' ');
  return name === 'workerd' ? Number(fields[11]) + Number(fields[12]) : 0;
}
