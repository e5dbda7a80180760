/**
 * What a `User-Agent` claims to be, without versions and comments: the names of its products in order
 * (RFC 9110 section 10.1.5). An update of the same browser keeps it; another browser or tool does not.
 */
export function productOf(userAgent: string): string {
  return withoutComments(decodedUserAgent(userAgent))
    .split(/\s+/)
    .map((product) => product.split('/')[0] ?? '')
    .filter((name) => name !== '' && !VERSION.test(name))
    .join(' ');
}

/** Some apps write a blank before the version, as in `Instagram 312.0`. */
const VERSION = /^v?\d+(?:\.\d+)*(?:[-+][\w.+-]*)?$/i;

/**
 * A header as HTTP libraries give it has one character per byte (Latin-1). If these bytes are UTF-8, the text that
 * they encode; else the header unchanged. Rows of older versions keep undecoded agents, so {@link productOf} decodes.
 */
export function decodedUserAgent(header: string): string {
  if (!/[\u0080-\u00ff]/.test(header) || /[\u0100-\uffff]/.test(header)) return header;
  const text = UTF_8.decode(Uint8Array.from(header, (character) => character.charCodeAt(0)));
  return text.includes('\ufffd') ? header : text;
}

/** Writes U+FFFD for bytes that are not UTF-8. */
const UTF_8 = new TextDecoder();

function withoutComments(userAgent: string): string {
  let depth = 0;
  let kept = '';
  for (const character of userAgent) {
    if (character === '(') depth += 1;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) kept += character;
  }
  return kept;
}

/** Characters of an agent that a row keeps: what a person can recognise. */
const KEPT_LENGTH = 300;

/** The part of an agent that a row keeps. Half a surrogate pair at the cut is dropped: a database cannot keep it. */
export function cutUserAgent(userAgent: string): string {
  return userAgent.slice(0, KEPT_LENGTH).replace(/[\ud800-\udbff]$/, '');
}

/** The kept part of an agent, and the hash of the product of the whole agent where it is known. */
interface KeptAgent {
  readonly userAgent: string;
  readonly productHash?: string | null;
}

/**
 * Whether two agents are one product. Agents that are kept whole are compared by their text, so that a new rule of
 * {@link productOf} holds for old rows. Longer ones are compared by the hash: the cut can fall inside a product.
 */
export function isSameProduct(one: KeptAgent, other: KeptAgent): boolean {
  const isCut = mayBeCut(one) || mayBeCut(other);
  if (isCut && one.productHash && other.productHash) return one.productHash === other.productHash;
  return productOf(one.userAgent) === productOf(other.userAgent);
}

/** Text that is the same for two agents of one product. */
export function distinctProduct(agent: KeptAgent): string {
  return mayBeCut(agent) && agent.productHash ? agent.productHash : productOf(agent.userAgent);
}

function mayBeCut({ userAgent }: KeptAgent): boolean {
  return userAgent.length >= KEPT_LENGTH - 1;
}
