/**
 * The product names of a `User-Agent` in order, without versions and comments (RFC 9110 section 10.1.5). An update of
 * the same browser keeps the product; another browser or tool has another product.
 */
export function productOf(userAgent: string): string {
  return withoutComments(decodeUserAgent(userAgent))
    .split(/\s+/)
    .map((product) => product.replace(SEPARATORS_AT_END, '').split('/')[0] ?? '')
    .filter((name) => name !== '' && !VERSION.test(name))
    .join(' ');
}

/** The lookbehind keeps the time linear: otherwise a long run inside a word is tried from each of its characters. */
const SEPARATORS_AT_END = /(?<![;,])[;,]+$/;

/**
 * A version that stands alone: some apps write a blank before the version, as in `Instagram 312.0`. A letter can follow
 * only digits with a separator. So `1.2b` is a version, and `360Browser` is a product.
 */
const VERSION = /^v?\d+(?:(?:[.,_]\d+)*(?:[-+][\w.+-]*)?|(?:[.,_]\d+)+[._]?[a-z][\w.+-]*)$/i;

/**
 * Decodes a header that an HTTP library read as Latin-1, with one character per byte. Returns the UTF-8 text where the
 * bytes are valid UTF-8, otherwise the header unchanged. Rows of older versions hold undecoded agents, so {@link
 * productOf} decodes too.
 */
export function decodeUserAgent(header: string): string {
  if (!/[\u0080-\u00ff]/.test(header) || /[\u0100-\uffff]/.test(header)) return header;
  const text = UTF_8.decode(Uint8Array.from(header, (character) => character.charCodeAt(0)));
  return text.includes('\ufffd') ? header : text;
}

/** Decodes bytes that are not UTF-8 as U+FFFD. */
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

/** The number of characters of a user agent that a row stores: enough for a person to recognize the client. */
const KEPT_LENGTH = 300;

/** The part of a user agent that a row stores. Drops a lone surrogate at the cut, which a database cannot store. */
export function cutUserAgent(userAgent: string): string {
  return userAgent.slice(0, KEPT_LENGTH).replace(/[\ud800-\udbff]$/, '');
}

/** The stored part of a user agent, and the hash of the full agent's product where that is known. */
interface KeptAgent {
  readonly userAgent: string;
  readonly productHash?: string | null;
}

/**
 * Whether two user agents have the same product. Uncut agents are compared by their text, so that a new rule of {@link
 * productOf} applies to old rows. Cut agents are compared by the hash: the cut can fall inside a product.
 */
export function isSameProduct(one: KeptAgent, other: KeptAgent): boolean {
  const isCut = mayBeCut(one) || mayBeCut(other);
  if (isCut && one.productHash && other.productHash) return one.productHash === other.productHash;
  return productOf(one.userAgent) === productOf(other.userAgent);
}

/**
 * A key for the agent's product. Two agents with the same product have the same key if both are cut, or neither is. The
 * key of a cut agent is the hash of its product. The key of another agent is its product.
 */
export function productKeyOf(agent: KeptAgent): string {
  return mayBeCut(agent) && agent.productHash ? agent.productHash : productOf(agent.userAgent);
}

function mayBeCut({ userAgent }: KeptAgent): boolean {
  return userAgent.length >= KEPT_LENGTH - 1;
}
