/** `npm run openapi`: writes the OpenAPI files of the repository from the current document of the service. */
import { writeFile } from 'node:fs/promises';
import { openapiFiles, openapiOf } from '../test/support/openapi.ts';

const closing: (() => unknown)[] = [];
const document = await openapiOf({ teardown: (close: () => unknown) => void closing.push(close) });
for (const [file, text] of Object.entries(await openapiFiles(document))) {
  await writeFile(new URL(`../${file}`, import.meta.url), text);
  console.log(file);
}
for (const close of closing) await close();
