import { availableParallelism, cpus, totalmem } from 'node:os';

/** The machine on which the figures were measured. */
export function describeMachine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} × ${cpus()[0]?.model}, ${memory} GiB, Linux, Node.js ${process.version}`;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
