import { readFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';
import type { Test } from 'tap';
import { startHttpService } from './http.ts';
import { httpCollection } from './http-collection.ts';

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<'schemas' | 'responses', Readonly<Record<string, object>>>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: Answer;
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Answer {
  readonly content?: Readonly<Record<string, Media>>;
}

type Body = Readonly<Record<string, unknown>>;

export interface Media {
  readonly schema: object;
  readonly example?: Body;
  readonly examples?: Readonly<Record<string, { readonly value: Body }>>;
}

/** The document at /docs/json with every front door open. It does not depend on this machine. */
export async function openapiOf(t: Pick<Test, 'teardown'>): Promise<OpenApi> {
  const { send } = await startHttpService(t);
  const { body } = await send('/docs/json');
  return body as unknown as OpenApi; // the tests check the content of the answer
}

/** The example of a body, or the first of several. */
export function exampleOf({ example, examples = {} }: Media): Body {
  return example ?? Object.values(examples)[0]?.value ?? {};
}

/** The generated files, by path. `npm run openapi` writes them, and a test compares them. */
export async function openapiFiles(document: OpenApi): Promise<Readonly<Record<string, string>>> {
  return {
    'docs/openapi.json': `${JSON.stringify(document, null, 2)}\n`,
    'client/src/api.ts': await typesOf(document),
    'docs/kinship.http': httpCollection(document, await readFile('docs/api.md', 'utf8')),
  };
}

const HEAD = `/*
 * The schemas of docs/openapi.json as types. Generated: \`npm run openapi\` writes this file anew, and Biome leaves it
 * as it is.
 */
`;

async function typesOf({ components: { schemas } }: OpenApi): Promise<string> {
  const info = { title: 'schemas', version: '0' };
  const source = { openapi: '3.1.0', info, paths: {}, components: { schemas } };
  const nodes = await openapiTS(JSON.stringify(source), { immutable: true, silent: true });
  // The other nodes declare empty types.
  return HEAD + astToString(nodes.filter((node) => 'name' in node && isNamed(node.name, 'components')));
}

function isNamed(name: unknown, text: string): boolean {
  return typeof name === 'object' && name !== null && 'escapedText' in name && name.escapedText === text;
}
