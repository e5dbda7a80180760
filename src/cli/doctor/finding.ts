import { describeFailure } from '../describe-failure.ts';

/** The result of a check, and how the operator corrects it. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** Empty if the state is `ok`. */
  readonly remedy: string;
}

/** Milliseconds that each check may take. */
const DEADLINE = 10_000;

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, remedy: '' });

export const warn = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'warn',
  found,
  remedy,
});

export const fail = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'fail',
  found,
  remedy,
});

/** The findings of a check. A check that throws, or has no answer at its deadline, is a failure with this remedy. */
export async function runCheck(
  check: string,
  remedy: string,
  work: () => Promise<readonly Finding[]>,
  deadline = DEADLINE,
): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    timer = setTimeout(
      () => resolve([fail(check, `no answer within ${deadline / 1_000} s`, remedy)]),
      deadline,
    );
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    return [fail(check, describeFailure(error).replace(/\s+/g, ' ').trim(), remedy)];
  } finally {
    clearTimeout(timer);
  }
}
