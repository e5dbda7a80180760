import { isPinned } from './session.ts';

/** Reads the settings in libpq's `options`: `-c name=value` and `--name=value`, with blanks escaped by a backslash. */
export function parseOptions(options: string, addFault: (sentence: string) => void): Record<string, string> {
  const words = (options.match(/(?:\\.|[^\s\\])+/g) ?? []).map((word) => word.replace(/\\(.)/g, '$1'));
  const settings: Record<string, string> = {};
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const text = word === '-c' ? (words.shift() ?? '') : word.replace(/^-c(?=\w)|^--/, '');
    const [, name, value] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
    const isOption = word.startsWith('-c') || word.startsWith('--');
    if (!isOption || name === undefined || value === undefined) {
      addFault('has invalid options: use settings such as -c name=value.');
      return {};
    }
    const setting = name.replaceAll('-', '_').toLowerCase();
    if (isPinned(setting)) addFault(`has options with ${setting}, which the service sets itself.`);
    settings[setting] = value;
  }
  return settings;
}
