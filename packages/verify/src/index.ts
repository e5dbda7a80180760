export type { ReceivedRequest } from './credentials.js';
export type { DpopOptions } from './dpop.js';
export type { StreamOptions } from './ended-sessions.js';
export { type Answer, type RefusalCode, type Setting, toAnswer, VerifyError } from './errors.js';
export type { DpopNonces } from './nonces.js';
export type { Requirements } from './requirements.js';
export type { Session } from './session.js';
export type { UseProof } from './used-proofs.js';
export { createVerifier, type Verifier, type VerifierOptions } from './verifier.js';
