import bowser from 'bowser';

/** Describes a `User-Agent` for people, such as "Firefox 120 on Linux". An unknown agent is returned unchanged. */
export function agentInWords(userAgent: string): string {
  if (userAgent === '') return 'unknown';
  const { browser, os } = bowser.parse(userAgent);
  if (browser.name === undefined || browser.name === '' || os.name === undefined) return userAgent;
  const version = browser.version?.split('.')[0];
  return [browser.name, version, 'on', os.name].filter((word) => word !== undefined).join(' ');
}
