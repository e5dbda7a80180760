/** The number with a comma before each group of three digits. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** The count and its noun. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}
