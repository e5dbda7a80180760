import { isIP } from 'node:net';
import { DAY, HOUR, MINUTE, SECOND } from '../domain/durations.ts';
import type { Limit } from '../domain/rate-limit.ts';
import { errorCode } from '../lib/errors.ts';
import { hostOf, isLoopback } from '../lib/hosts.ts';

/** Collects lines about the environment: one for each fault, or one for each warning. */
export interface MessageCollector {
  add(line: string): void;
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/** A hundred years, in days. The service subtracts ages from the time, and a date before the year 1 cannot be stored. */
const MAX_DAYS = 36_500;

/** Quotes a value on one short line, or says that it is not set. Masks a password, in case the operator put a URL with credentials here. */
export function quote(value: string): string {
  if (value === '') return 'not set';
  const masked = value.replace(/:.*@/s, ':…@');
  return JSON.stringify(masked.length > 300 ? `${masked.slice(0, 300)}…` : masked);
}

/** Whether the decoded bytes were text in UTF-8: no byte was invalid or 0. */
export function isText(decoded: string): boolean {
  return !/[\0\ufffd]/.test(decoded);
}

/** The error code of the file system. Its message would contain the path. */
export function fileFault(error: unknown): string {
  return errorCode(error) || 'unreadable';
}

/** Functions that each read one value. For an invalid value they report a fault and return a value all the same. */
export function createReaders(faults: MessageCollector, warnings: MessageCollector) {
  const reportInvalid = (name: string, value: string, wanted: string) =>
    faults.add(`${name} is ${quote(value)}, but must be ${wanted}.`);

  return {
    /** Reports an invalid value. `wanted` completes the sentence "it must be …". */
    reportInvalid,

    /** Reports an invalid value that contains a secret, and does not show it. */
    reportInvalidSecret: (name: string, wanted: string) =>
      faults.add(`${name} has an invalid value (not shown): it must be ${wanted}.`),

    /** Reports a setting that has no effect or is missing, but does not prevent the start. */
    warn: (line: string) => warnings.add(line),

    /** Reports a fault of a variable. The sentence begins with its verb. */
    reportFault: (name: string, sentence: string) => faults.add(`${name} ${sentence}`),

    /**
     * Milliseconds of a duration such as `30s`, `15m`, `1h`, `7d`. NaN for an invalid one: every comparison with NaN is
     * false, so it causes no second fault.
     */
    duration(name: string, value: string, min = 0): number {
      const milliseconds = millisecondsOf(value);
      if (milliseconds >= min) return milliseconds;
      const range = `from ${formatDuration(min)} to ${MAX_DAYS}d`;
      reportInvalid(name, value, `a duration such as 30s, 15m, 1h or 7d, ${range}`);
      return Number.NaN;
    },

    /**
     * A limit such as `20/1h`: a count of at least 1, and a duration of at least a second. Both are NaN for an invalid
     * limit.
     */
    limit(name: string, value: string): Limit {
      const [, count = '', span = ''] = /^(\d{1,6})\/(\w+)$/.exec(value) ?? [];
      const limit = { count: Number(count), perMilliseconds: millisecondsOf(span) };
      if (limit.count >= 1 && limit.perMilliseconds >= 1_000) return limit;
      reportInvalid(
        name,
        value,
        `a number and a duration such as 20/1h, neither of them zero, the duration at most ${MAX_DAYS}d`,
      );
      return { count: Number.NaN, perMilliseconds: Number.NaN };
    },

    integer(name: string, value: string, min: number, max: number): number {
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= min && number <= max) return number;
      reportInvalid(name, value, `a whole number from ${min} to ${max}`);
      return min;
    },

    choice<Choice extends string>(
      name: string,
      value: string,
      choices: readonly [Choice, ...Choice[]],
    ): Choice {
      const found = choices.find((choice) => choice === value);
      if (found === undefined) reportInvalid(name, value, `one of ${choices.join(', ')}`);
      return found ?? choices[0];
    },

    list,

    /** A list with at least one entry. */
    names(name: string, value: string): string[] {
      const names = list(value);
      if (names.length === 0) reportInvalid(name, value, 'one name or more, comma-separated');
      return names;
    },

    /**
     * A host name or an IP address, without port or zone. The fault names the variable of the port, if there is one.
     */
    host(name: string, value: string, portVariable?: string): string {
      if (isHost(value)) return value;
      const wanted = 'a host name or an IP address, and nothing else';
      const hasPort = portVariable !== undefined && /:\d+$/.test(value);
      reportInvalid(name, value, hasPort ? `${wanted}: the port goes to ${portVariable}` : wanted);
      return value;
    },

    /**
     * An origin such as `https://auth.example.com`, as browsers serialize it: scheme, host and port only. `https`
     * requires that scheme, except for a loopback origin, which browsers treat as secure.
     */
    origin(name: string, value: string, { https = false } = {}): string {
      const url = URL.canParse(value) ? new URL(value) : null;
      const scheme = https && !isLoopback(hostOf(value)) ? /^https:\/\//i : /^https?:\/\//i;
      const isOrigin = url !== null && url.href === `${url.origin}/` && url.port !== '0';
      if (isOrigin && scheme.test(value)) return url.origin;
      const wanted =
        'an origin such as https://auth.example.com, without a path, and with a port other than 0';
      reportInvalid(name, value, https ? `${wanted}, with https in production` : wanted);
      return '';
    },

    /**
     * An origin as browsers send it in `Origin`, of a site, an app or an extension. An app has an origin such as
     * `capacitor://localhost`. A pattern for all subdomains of a site is accepted, too.
     */
    browserOrigin(name: string, value: string): string {
      const origin = siteOrigin(value) ?? appOrigin(value);
      if (origin !== null) return origin;
      const examples = 'https://app.example.com, https://*.example.com or capacitor://localhost';
      reportInvalid(name, value, `an origin such as ${examples}, without a path`);
      return '';
    },

    /** The base URL of a service, without credentials, query and fragment. */
    httpUrl(name: string, value: string): string {
      const url = URL.canParse(value) ? new URL(value) : null;
      const isBase =
        url !== null && url.search === '' && url.hash === '' && url.username + url.password === '';
      if (!isBase || !/^https?:\/\//i.test(value))
        reportInvalid(name, value, 'a URL such as http://collector:4318');
      return value;
    },

    /** An IP address or a CIDR. A CIDR of all addresses is refused. */
    network(name: string, value: string, wanted: string): string {
      if (!isNetwork(value)) reportInvalid(name, value, wanted);
      return value;
    },
  };
}

function isHost(value: string): boolean {
  return (isIP(value) !== 0 && !value.includes('%')) || /^[\w-]+(\.[\w-]+)*\.?$/.test(value);
}

/** Whether a URL names one host with a valid port, and each of its parts can be decoded. */
export function namesOneHost(url: URL): boolean {
  try {
    const [host = '', ...rest] = [url.hostname, url.username, url.password, url.pathname].map(
      decodeURIComponent,
    );
    return (
      url.port !== '0' && isHost(host.replace(/^\[|\]$/g, '')) && !rest.some((part) => part.includes('\0'))
    );
  } catch {
    return false;
  }
}

const ANY_SUBDOMAIN = /^(https?:\/\/)\*\.(?=.)/i;

/** Null: the value is not an origin of a site, or is a pattern for a whole top-level domain. */
function siteOrigin(value: string): string | null {
  const isPattern = ANY_SUBDOMAIN.test(value);
  const example = value.replace(ANY_SUBDOMAIN, '$1any.');
  const url = URL.canParse(example) ? new URL(example) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || example.includes('*')) return null;
  if (url.href !== `${url.origin}/` || !/^https?:\/\//i.test(value)) return null;
  if (!isPattern) return url.origin;
  const labels = url.hostname.split('.').filter((label) => label !== '');
  const isWide = labels.length < 3 && labels.at(-1) !== 'localhost';
  return isWide ? null : url.origin.replace('://any.', '://*.');
}

/** Null: the value is not an origin of an app or a browser extension. */
function appOrigin(value: string): string | null {
  const [, scheme = '', host = ''] = /^([a-z][a-z\d+.-]*):\/\/([\w.-]+(?::\d{1,5})?)$/i.exec(value) ?? [];
  if (host === '' || /^(?:https?|wss?|ftp|file|data|blob|about|javascript)$/i.test(scheme)) return null;
  return `${scheme.toLowerCase()}://${host}`;
}

function millisecondsOf(duration: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  return milliseconds <= MAX_DAYS * DAY ? milliseconds : Number.NaN;
}

/** The duration in its largest unit without a fraction, such as `90s` or `1d`. */
function formatDuration(milliseconds: number): string {
  const units = Object.entries(UNITS).filter(
    ([, length]) => length <= milliseconds && milliseconds % length === 0,
  );
  const [unit, length] = units.at(-1) ?? ['s', SECOND];
  return `${milliseconds / length}${unit}`;
}

/** The trimmed parts between commas, without blank ones. */
export function list(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isNetwork(value: string): boolean {
  const [address = '', prefix = '1', more] = value.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    !address.includes('%') &&
    /^[1-9]\d{0,2}$/.test(prefix) &&
    Number(prefix) <= bits &&
    more === undefined
  );
}

export type Readers = ReturnType<typeof createReaders>;
