import { writeFile } from 'node:fs/promises';
import { openapiFiles, openapiOf } from '../test/support/openapi.ts';

/** Writes the OpenAPI files of the repository from the service's current document. */

const closing: (() => unknown)[] = [];
const document = await openapiOf({ teardown: (close: () => unknown) => void closing.push(close) });
for (const [file, text] of Object.entries(await openapiFiles(document))) {
  await writeFile(new URL(`../${file}`, import.meta.url), text);
  console.log(file);
}
for (const close of closing) await close();
