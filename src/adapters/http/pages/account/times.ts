const FORMAT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});

export function formatTime(milliseconds: number): string {
  return `${FORMAT.format(milliseconds)} UTC`;
}

/** The time as HTML. */
export function renderTime(milliseconds: number): string {
  return `<time datetime="${new Date(milliseconds).toISOString()}">${formatTime(milliseconds)}</time>`;
}
