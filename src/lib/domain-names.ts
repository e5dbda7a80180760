import { domainToASCII, domainToUnicode } from 'node:url';

/** The ASCII characters that no domain name may contain. */
const FORBIDDEN = /[^a-z0-9.\-\u0080-\u{10ffff}]/iu;

const INTERNATIONAL = /[^\p{ASCII}]|(?:^|\.)xn--/iu;

/**
 * An address with its domain in ASCII form (UTS 46). The domain is empty if it has no ASCII form. Other text stays as
 * it is.
 */
export function withAsciiDomain(text: string): string {
  const [local, domain] = splitAddress(text);
  // Only international domains are converted: `domainToASCII` would also interpret ports, paths and percent-encoding.
  if (!INTERNATIONAL.test(domain) || FORBIDDEN.test(domain)) return text;
  return local + domainToASCII(domain);
}

/** An address with its domain in Unicode, as people read it. Other text stays as it is. */
export function withUnicodeDomain(text: string): string {
  const [local, domain] = splitAddress(text);
  if (!INTERNATIONAL.test(domain) || FORBIDDEN.test(domain)) return text;
  return local + domainToUnicode(domain);
}

/** The part of an address up to the `@`, and its domain, which is empty in other text. */
function splitAddress(text: string): readonly [string, string] {
  const at = text.lastIndexOf('@') + 1;
  return at < 2 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}
