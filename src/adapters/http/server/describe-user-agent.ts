import bowser from 'bowser';

/** Describes a `User-Agent` for people, such as "Firefox 120 on Linux". An unknown agent is returned unchanged. */
export function describeUserAgent(userAgent: string): string {
  return describeDevice(userAgent) ?? (userAgent || 'unknown');
}

const BROWSERS = new Set<string>(Object.values(bowser.BROWSER_MAP));
const SYSTEMS = new Set<string>(Object.values(bowser.OS_MAP));

/**
 * The known browser and system of a `User-Agent`; null if one is unknown. The words are never the client's own text.
 */
export function describeDevice(userAgent: string): string | null {
  if (userAgent === '') return null;
  const { browser, os } = bowser.parse(userAgent);
  if (!BROWSERS.has(browser.name ?? '') || !SYSTEMS.has(os.name ?? '')) return null;
  const version = /^\d{1,4}/.exec(browser.version ?? '')?.[0];
  return [browser.name, version, 'on', os.name].filter((word) => word !== undefined).join(' ');
}
