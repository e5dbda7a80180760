/** The signature algorithms of accepted proofs, as the service accepts them. All are asymmetric. */
export const PROOF_ALGORITHMS = ['ES256', 'ES384', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const;
