const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * Whether the text is one plain mailbox: a dot-atom at a host name (RFC 5321 section 4.1.2), at most 254
 * characters. Quoted parts, comments, lists and control characters are refused: they change the meaning of a mail
 * header.
 */
export function isMailbox(text: string): boolean {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  return (
    at > 0 && text.length <= 254 && local.length <= 64 && LOCAL.test(local) && DOMAIN.test(text.slice(at + 1))
  );
}

/** The mailbox that sends the mails, with the name that mail programs show for it; the name may be empty. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

const SENDER = /^(?:"([^"<>\\\p{C}]{0,100})"|([^"<>,;\\\p{C}]{0,100}))\s*<([^<>]*)>$/u;

/**
 * Reads `auth@example.com`, `Example <auth@example.com>` or `"Example, Inc." <auth@example.com>`; null for other text.
 */
export function parseSender(text: string): Sender | null {
  const [, quoted, plain = '', bracketed] = SENDER.exec(text) ?? [];
  const address = bracketed ?? text;
  return isMailbox(address) ? { name: (quoted ?? plain).trim(), address } : null;
}
