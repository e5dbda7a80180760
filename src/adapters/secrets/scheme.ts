/** A parsed scheme. As text it is the hasher, its parameters and the key id, joined by dots. */
export type ParsedScheme =
  | { readonly hasher: 'hmac-sha512'; readonly keyId: string }
  | { readonly hasher: 'argon2id'; readonly cost: Argon2Cost; readonly keyId: string };

/** `memory` in KiB, `time` in passes, `parallelism` in lanes (RFC 9106). */
export interface Argon2Cost {
  readonly memory: number;
  readonly time: number;
  readonly parallelism: number;
}

export function formatScheme(scheme: ParsedScheme): string {
  if (scheme.hasher === 'hmac-sha512') return `hmac-sha512.${scheme.keyId}`;
  const { memory, time, parallelism } = scheme.cost;
  return `argon2id.${memory}.${time}.${parallelism}.${scheme.keyId}`;
}

/** Null for a text that no version of this service wrote. */
export function parseScheme(text: string): ParsedScheme | null {
  const parts = text.split('.');
  const keyId = parts.at(-1) ?? '';
  if (parts[0] === 'hmac-sha512' && parts.length === 2) return { hasher: 'hmac-sha512', keyId };
  if (parts[0] !== 'argon2id' || parts.length !== 5) return null;
  const [memory = 0, time = 0, parallelism = 0] = parts.slice(1, 4).map(Number);
  return { hasher: 'argon2id', cost: { memory, time, parallelism }, keyId };
}
