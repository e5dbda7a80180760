import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import type { UserTransfer } from '../../ports/stores/user-transfer.ts';
import { RefusedLine } from './read-user-line.ts';

/** The maximum time of one verification, in milliseconds. */
const MAX_COST = 1_000;

/** Verifications per measurement. Their times vary, and the longest one counts. */
const MEASUREMENTS = 3;

interface Deps {
  readonly verifiers: readonly HashVerifier[];
  readonly userTransfer: Pick<UserTransfer, 'recordKind'>;
  /** Milliseconds since an arbitrary point in time. */
  readonly stopwatch: () => number;
}

/** The name of the kind of a hash. Rejects with a {@link RefusedLine} if hashes of the kind cannot be used. */
export type AdmitPasswordHash = (passwordHash: string) => Promise<string>;

/**
 * Admits hashes whose kind is known and costs no more than a second. Measures each kind once, and records its time. A
 * measurement cannot take unbounded time: a {@link HashVerifier} reads no hash whose parameters are out of bounds.
 */
export const admitPasswordHash = ({ verifiers, userTransfer, stopwatch }: Deps): AdmitPasswordHash => {
  const costs = new Map<string, number>();

  return async (passwordHash) => {
    const verifier = verifiers.find((one) => one.kindOf(passwordHash) !== null);
    const kind = verifier?.kindOf(passwordHash) ?? null;
    if (verifier === undefined || kind === null)
      throw new RefusedLine('passwordHash is of no known kind, or its parameters are out of bounds');
    const cost = costs.get(kind) ?? (await measure(verifier, passwordHash));
    if (!costs.has(kind)) await userTransfer.recordKind({ name: kind, milliseconds: cost });
    costs.set(kind, cost);
    if (cost > MAX_COST)
      throw new RefusedLine(`passwordHash costs ${Math.round(cost)} ms to verify, more than ${MAX_COST} ms`);
    return kind;
  };

  /** The longest of several verifications. */
  async function measure(verifier: HashVerifier, passwordHash: string): Promise<number> {
    let longest = 0;
    for (let count = 0; count < MEASUREMENTS && longest <= MAX_COST; count += 1) {
      const started = stopwatch();
      await verifier.verify(passwordHash, 'a password to measure with');
      longest = Math.max(longest, stopwatch() - started);
    }
    return longest;
  }
};
