import { Type } from '@sinclair/typebox';
import { Refusal } from '../../../../domain/refusal.ts';
import type { CredentialAnswer } from '../../../../ports/security/passkeys.ts';
import { FORM_LIMIT } from '../page.ts';

/** The answer of a browser about a passkey, as JSON in a field of a form. */
export const Credential = Type.String({ maxLength: FORM_LIMIT });

/**
 * Parses a WebAuthn response. Throws a {@link Refusal} `proof_refused` if it is malformed. `Passkeys` verifies the
 * content.
 */
export function readCredential(text: string): CredentialAnswer {
  const value = parse(text);
  if (!isAnswer(value)) throw new Refusal('proof_refused');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isAnswer(value: unknown): value is CredentialAnswer {
  if (typeof value !== 'object' || value === null) return false;
  const { id, response } = value as Partial<CredentialAnswer>;
  return typeof id === 'string' && typeof response === 'object' && response !== null;
}
