import type { Keeper } from './keeper.js';
import type { SessionClient } from './types.js';

/** Milliseconds before its end from which on a token is renewed; for short-lived ones a fifth of their life. */
const AHEAD = 60_000;

/** The access token, renewed in time: at first beside those who ask, who go on with the old one, later before them. */
export function renewal(
  { known, look, left }: Keeper,
  rotate: (access: string) => Promise<string | null>,
): SessionClient['token'] {
  const underWay = new Map<string, Promise<string | null>>();

  return async (rejected) => {
    const kept = known() ?? (await look());
    if (!kept) return null;
    const { access, expiresIn } = kept;
    const ahead = Math.min(AHEAD, expiresIn * 200);
    const spare = left();
    if (access === rejected || spare < ahead / 2) return renew(access);
    if (spare < ahead) renew(access).catch(() => {}); // told once it matters
    return access;
  };

  /** Once for all who ask meanwhile. */
  function renew(access: string): Promise<string | null> {
    const begun = underWay.get(access) ?? rotate(access).finally(() => underWay.delete(access));
    underWay.set(access, begun);
    return begun;
  }
}
