/**
 * What a `User-Agent` claims to be, without versions and comments: the names of its products in order
 * (RFC 9110 section 10.1.5). An update of the same browser keeps it; another browser or tool does not.
 */
export function productOf(userAgent: string): string {
  return withoutComments(userAgent)
    .split(/\s+/)
    .map((product) => product.split('/')[0])
    .filter((name) => name !== '')
    .join(' ');
}

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
