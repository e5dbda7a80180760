import type { Setting, VerifyError } from './errors.js';

const HINTS: Readonly<Record<Setting, string>> = {
  issuer: 'Set the option issuer to the PUBLIC_URL of Kinship, or to its TOKEN_ISSUER.',
  audience: 'Set the option audience to the TOKEN_AUDIENCE of Kinship.',
  url: 'Check that Kinship runs, and that the option url is the origin at which this program reaches it.',
  ACCESS_TOKEN_ALG: 'Set ACCESS_TOKEN_ALG of Kinship to one of them. Its default, HS512, publishes no key.',
};

/**
 * Returns a function that warns about the first refusal for each setting that may be wrong. It warns once, because
 * anyone can send a token with another algorithm.
 */
export function createSettingWarnings(): (refusal: VerifyError) => void {
  const warned = new Set<Setting>();
  return ({ setting, reason }) => {
    if (setting === null || warned.has(setting)) return;
    warned.add(setting);
    console.warn(`@kinship/verify: ${reason} ${HINTS[setting]} The option onRefusal gets every refusal.`);
  };
}
