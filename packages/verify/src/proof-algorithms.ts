/** The signature algorithms of DPoP proofs that this package accepts, as the service does. All are asymmetric. */
export const PROOF_ALGORITHMS = ['ES256', 'ES384', 'Ed25519', 'EdDSA', 'PS256', 'RS256'] as const;
