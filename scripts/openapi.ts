import { writeFile } from 'node:fs/promises';
import { openapiFiles, openapiOf } from '../test/support/openapi.ts';

/** Writes anew what is kept of the service's OpenAPI document. */

const closing: (() => unknown)[] = [];
const document = await openapiOf({ teardown: (close: () => unknown) => void closing.push(close) });
for (const [file, text] of Object.entries(await openapiFiles(document))) {
  await writeFile(new URL(`../${file}`, import.meta.url), text);
  console.log(file);
}
for (const close of closing) await close();
