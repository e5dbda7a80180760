import bowser from 'bowser';

/** A `User-Agent` as a person would say it: "Firefox 120 on Linux". What is not known is left as it came. */
export function agentInWords(userAgent: string): string {
  if (userAgent === '') return 'unknown';
  const { browser, os } = bowser.parse(userAgent);
  if (browser.name === undefined || browser.name === '' || os.name === undefined) return userAgent;
  const version = browser.version?.split('.')[0];
  return [browser.name, version, 'on', os.name].filter((word) => word !== undefined).join(' ');
}
