import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import type { UsedDpopProofs } from '../../src/ports/stores/used-dpop-proofs.ts';
import { NOW } from '../support/families.ts';

const MINUTE = 60_000;

export const someProof = () => ({
  jkt: randomBytes(32).toString('base64url'),
  jti: randomBytes(16).toString('base64url'),
});

/** The contract of {@link UsedDpopProofs}. `fresh` gives an empty store. */
export function usedProofsContract(t: Test, fresh: (t: Test) => Promise<UsedDpopProofs>): void {
  t.test('a proof can be used once', async (t) => {
    const used = await fresh(t);
    const proof = someProof();
    t.equal(await used.use(proof, NOW, NOW + MINUTE), true);
    t.equal(await used.use(proof, NOW + 1, NOW + MINUTE + 1), false);
    t.equal(await used.use({ ...proof }, NOW + 2, NOW + MINUTE + 2), false, 'and not a third time');
  });

  t.test('the same jti of another key, or another jti of the same key, is another proof', async (t) => {
    const used = await fresh(t);
    const proof = someProof();
    await used.use(proof, NOW, NOW + MINUTE);
    t.equal(await used.use({ ...proof, jkt: someProof().jkt }, NOW, NOW + MINUTE), true);
    t.equal(await used.use({ ...proof, jti: `${proof.jti} ` }, NOW, NOW + MINUTE), true);
    t.equal(await used.use({ ...proof, jti: 'j'.repeat(2_000) }, NOW, NOW + MINUTE), true);
  });

  t.test('of many concurrent uses of one proof exactly one is accepted', async (t) => {
    const used = await fresh(t);
    const proof = someProof();
    const answers = await Promise.all(Array.from({ length: 50 }, () => used.use(proof, NOW, NOW + MINUTE)));
    t.equal(answers.filter(Boolean).length, 1);
  });
  t.end();
}
