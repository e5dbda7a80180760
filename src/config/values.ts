import { isIP } from 'node:net';
import type { Limit } from '../domain/attempts.ts';
import { errorCode } from '../lib/errors.ts';

/** Collects lines about the environment: one for each fault, or one for each warning. */
export interface Faults {
  add(line: string): void;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** On one line, short, and without a password that somebody put where a host or an origin is wanted. */
export function shown(value: string): string {
  if (value === '') return 'nothing';
  const masked = value.replace(/:.*@/s, ':…@');
  return JSON.stringify(masked.length > 300 ? `${masked.slice(0, 300)}…` : masked);
}

/** Why the file system refused, without a path. */
export function reasonOf(error: unknown): string {
  return errorCode(error) || 'unreadable';
}

/** Readers of one value each. A value that is wrong is reported, and a harmless stand-in goes on. */
export function readers(faults: Faults, warnings: Faults) {
  const wrong = (name: string, got: string, wants: string) =>
    faults.add(`${name} got ${shown(got)} and wants ${wants}.`);

  return {
    wrong,

    /** For a value that is ignored, but does not stop the start. */
    warn: (line: string) => warnings.add(line),

    /** A fault in the value of a variable, as a sentence that begins with its verb. */
    fault: (name: string, sentence: string) => faults.add(`${name} ${sentence}`),

    /** Milliseconds of a duration such as `30s`, `15m`, `1h`, `7d`; NaN for a wrong one, which no comparison faults again. */
    duration(name: string, value: string, least = 0): number {
      const milliseconds = millisecondsOf(value);
      if (milliseconds >= least) return milliseconds;
      wrong(
        name,
        value,
        `a duration such as 30s, 15m, 1h or 7d${least > 0 ? `, at least ${least / 1000}s` : ''}`,
      );
      return Number.NaN;
    },

    /** So many in a span of time, such as `20/1h`: one or more, in a second or more. NaN for a wrong one, as above. */
    limit(name: string, value: string): Limit {
      const [, count = '', span = ''] = /^(\d{1,6})\/(\w+)$/.exec(value) ?? [];
      const limit = { count: Number(count), perMilliseconds: millisecondsOf(span) };
      if (limit.count >= 1 && limit.perMilliseconds >= 1_000) return limit;
      wrong(name, value, 'a number and a duration such as 20/1h, neither of them zero');
      return { count: Number.NaN, perMilliseconds: Number.NaN };
    },

    integer(name: string, value: string, least: number, most: number): number {
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= least && number <= most) return number;
      wrong(name, value, `a whole number from ${least} to ${most}`);
      return least;
    },

    choice<Choice extends string>(
      name: string,
      value: string,
      choices: readonly [Choice, ...Choice[]],
    ): Choice {
      const found = choices.find((choice) => choice === value);
      if (found === undefined) wrong(name, value, `one of ${choices.join(', ')}`);
      return found ?? choices[0];
    },

    list,

    /** A list that has something in it. */
    names(name: string, value: string): string[] {
      const names = list(value);
      if (names.length === 0) wrong(name, value, 'one name or more, comma-separated');
      return names;
    },

    /** The name or the address of a host, and no more. */
    host(name: string, value: string): string {
      const good = isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(value);
      if (!good || value.includes('%')) wrong(name, value, 'the name or the address of a host, nothing else');
      return value;
    },

    /** An origin such as `https://auth.example.com`, spelt as browsers do: scheme, host and port, and nothing behind. */
    origin(name: string, value: string, { https = false } = {}): string {
      const url = URL.canParse(value) ? new URL(value) : null;
      const scheme = https ? /^https:\/\//i : /^https?:\/\//i;
      if (url !== null && scheme.test(value) && url.href === `${url.origin}/`) return url.origin;
      const wants = `an origin such as https://auth.example.com, without a path`;
      wrong(name, value, https ? `${wants}, with https in production` : wants);
      return '';
    },

    /**
     * An `Origin` as browsers send it: of a site, of an app or extension such as `capacitor://localhost`, or a pattern
     * for all subdomains of a site.
     */
    browserOrigin(name: string, value: string): string {
      const origin = siteOrigin(value) ?? appOrigin(value);
      if (origin !== null) return origin;
      const examples = 'https://app.example.com, https://*.example.com or capacitor://localhost';
      wrong(name, value, `an origin such as ${examples}, without a path`);
      return '';
    },

    /** The base address of a service, without a user or a query. */
    httpUrl(name: string, value: string): string {
      const url = URL.canParse(value) ? new URL(value) : null;
      const plain =
        url !== null && url.search === '' && url.hash === '' && url.username + url.password === '';
      if (!plain || !/^https?:\/\//i.test(value)) wrong(name, value, 'a URL such as http://collector:4318');
      return value;
    },

    /** An address or a CIDR of some hosts, never of all. */
    network(name: string, value: string): string {
      if (isNetwork(value)) return value;
      const wants = 'addresses or CIDRs of proxies such as 10.0.0.0/8, comma-separated, or false';
      wrong(name, value, `${wants}: trusting everyone would let each client choose its address`);
      return value;
    },
  };
}

const ANY_SUBDOMAIN = /^(https?:\/\/)\*\.(?=.)/i;

/** Null: the value is no origin of a site, or a pattern that covers a whole top-level domain. */
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

/** Null: the value is no origin of an app or a browser extension. */
function appOrigin(value: string): string | null {
  const [, scheme = '', host = ''] = /^([a-z][a-z\d+.-]*):\/\/([\w.-]+(?::\d{1,5})?)$/i.exec(value) ?? [];
  if (host === '' || /^(?:https?|wss?|ftp|file|data|blob|about|javascript)$/i.test(scheme)) return null;
  return `${scheme.toLowerCase()}://${host}`;
}

function millisecondsOf(duration: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(duration) ?? [];
  return Number(count) * (UNITS[unit] ?? Number.NaN);
}

/** The parts between commas, without what is blank. */
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

export type Readers = ReturnType<typeof readers>;
