/** Whether two different words differ by one typing error: a character too few, too many or wrong, or two swapped. */
export function isOneTypoApart(one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [left, right] = [one, other].map((word) => word.slice(start, word.length - end)) as [string, string];
  const isSwap = left.length === 2 && left === [...right].reverse().join('');
  return one !== other && (isSwap || Math.max(left.length, right.length) === 1);
}
