import { readdirSync, readFileSync } from 'node:fs';

/** The unit of CPU times in /proc, independent of the kernel's own tick. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/** CPU seconds of a process and of all its descendants, including descendants that have ended. */
export function cpuSeconds(pid: number): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(name) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  const ticksOf = (one: number): number => {
    let ticks = stats.get(one)?.ticks ?? 0;
    for (const [child, { parent }] of stats) if (parent === one) ticks += ticksOf(child);
    return ticks;
  };
  return ticksOf(pid) / TICKS_PER_SECOND;
}

/** Null: the process has ended. */
function statOf(pid: string): Stat | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // proc(5): the name in parentheses may hold anything; ppid is the second field after it, utime to cstime 12th to
  // 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { parent: Number(fields[1]), ticks };
}

/** Resident memory of a process, in bytes: the current value and the maximum. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { now: bytes('VmRSS'), most: bytes('VmHWM') };
}

/** The number of open file descriptors of a process, sockets included. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
