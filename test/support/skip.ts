import type { Test } from 'tap';

/** Skips this test because `missing` is not on this machine, and reports it on stderr. Throws if CI=true. */
export function skipFor(t: Pick<Test, 'plan'>, missing: string): void {
  if (process.env.CI === 'true')
    throw new Error(`${missing} is missing. Install it, or unset CI to skip this test`);
  process.stderr.write(`\n*** SKIPPED: ${missing} is missing ***\n`);
  t.plan(0, `${missing} is missing`);
}
