import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join, relative, resolve } from 'node:path';

const FRAME = /(?:file:\/\/)?([^\s():]*\.build\/[^\s():]+\.js):(\d+):(\d+)/g;

/** Replaces the positions in built files by those in the sources. */
export function mapStack(text: string): string {
  return text.replace(FRAME, (frame, file: string, line: string, column: string) => {
    const map = `${resolve(file)}.map`;
    if (!existsSync(map)) return frame;
    const entry = new SourceMap(JSON.parse(readFileSync(map, 'utf8'))).findEntry(
      Number(line) - 1,
      Number(column) - 1,
    );
    if (!('originalSource' in entry)) return frame;
    const source = relative('.', join(resolve(file), '..', entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}
