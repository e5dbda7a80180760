/** What a MAC is over. A MAC of one subject is never valid for another. */
export type SealSubject = 'event' | 'seal' | 'mark';

/** Message authentication codes of the audit log. */
export interface SealMacs {
  /** The id of the key for new MACs. */
  readonly keyId: string;

  /** The MAC under the key with this id, base64url; null if no such key is configured. */
  mac(keyId: string, subject: SealSubject, parts: readonly string[]): string | null;
}
