import type { Test } from 'tap';

/** Skips this test for want of a part of the machine, and says so on stderr; with CI=true that is a failure. */
export function skipFor(t: Pick<Test, 'plan'>, missing: string): void {
  if (process.env.CI === 'true') throw new Error(`${missing} is missing, and CI=true allows no skip`);
  process.stderr.write(`\n*** SKIPPED: ${missing} is missing ***\n`);
  t.plan(0, `${missing} is missing`);
}
