import { isIP } from 'node:net';

/** Collects what is wrong with the environment, one line per fault. */
export interface Faults {
  add(line: string): void;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Readers of one value each. A value that is wrong is reported, and a harmless stand-in goes on. */
export function readers(faults: Faults) {
  const wrong = (name: string, got: string, wants: string) =>
    faults.add(`${name} got "${got}" and wants ${wants}.`);

  return {
    wrong,

    /** Milliseconds of a duration such as `30s`, `15m`, `1h`, `7d`. */
    duration(name: string, value: string, least = 0): number {
      const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
      const milliseconds = Number(count) * (UNITS[unit] ?? Number.NaN);
      if (milliseconds >= least) return milliseconds;
      wrong(
        name,
        value,
        `a duration such as 30s, 15m, 1h or 7d${least > 0 ? `, at least ${least / 1000}s` : ''}`,
      );
      return least;
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

    list(value: string): string[] {
      return value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    },

    /** An origin such as `https://auth.example.com`: scheme, host and port, and nothing behind. */
    origin(name: string, value: string): string {
      const url = URL.canParse(value) ? new URL(value) : null;
      if (url !== null && /^https?:$/.test(url.protocol) && url.origin === value.replace(/\/$/, ''))
        return url.origin;
      wrong(name, value, 'an origin such as https://auth.example.com, without a path');
      return '';
    },

    /** An address or a CIDR. */
    network(name: string, value: string): string {
      const [address = '', prefix, more] = value.split('/');
      const bits = isIP(address) === 4 ? 32 : 128;
      const goodPrefix = prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= bits);
      if (isIP(address) === 0 || !goodPrefix || more !== undefined) {
        wrong(name, value, 'addresses or CIDRs such as 10.0.0.0/8, comma-separated, or false');
      }
      return value;
    },
  };
}

export type Readers = ReturnType<typeof readers>;
