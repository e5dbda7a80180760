import { readFile } from 'node:fs/promises';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import t from 'tap';
import { startHttpService } from '../support/http.ts';
import { exampleOf, type Media, type OpenApi, openapiFiles, openapiOf } from '../support/openapi.ts';

const file = (name: string) => readFile(name, 'utf8');
const readCommitted = async () => JSON.parse(await file('docs/openapi.json')) as OpenApi;

/** Rules of the linter that this document breaks on purpose. */
const OFF = {
  // The front door task-api has the exact paths of the service that it replaces.
  'no-path-trailing-slash': 'off',
  // Two operations only redirect to the documentation: see below.
  'operation-2xx-response': 'off',
} as const;

t.test('the committed document equals the generated one', async (t) => {
  for (const [name, text] of Object.entries(await openapiFiles(await openapiOf(t)))) {
    t.equal(await file(name), text, `${name}: after an intended change, run npm run openapi`);
  }
});

t.test('the linter reports no fault', async (t) => {
  const lint = async (source: string, rules: typeof OFF | Record<string, never>) => {
    const config = await createConfig({ extends: ['recommended-strict'], rules });
    const found = await lintFromString({ source, config, absoluteRef: '/openapi.json' });
    return found.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`);
  };
  const source = await file('docs/openapi.json');
  t.same(await lint(source, OFF), []);
  const broken = await lint(source.replace('"operationId": "refresh"', '"operationId": "logIn"'), OFF);
  t.match(broken, [/^operation-operationId-unique /], 'the linter finds a fault');
  const strict = (await lint(source, {})).map((line) => line.split(' ')[0]);
  t.same([...new Set(strict)].sort(), Object.keys(OFF).sort(), 'each disabled rule would report a fault');
});

t.test(
  'every operation that continues a session accepts the service key of a confidential session',
  async (t) => {
    const { paths } = await readCommitted();
    const named = Object.values(paths).flatMap((methods) => Object.values(methods));
    for (const id of ['refresh', 'stepUp', 'taskApiRefresh', 'sessionIdRefresh', 'cookiePairRefresh']) {
      const security = named.find(({ operationId }) => operationId === id)?.security ?? [];
      t.ok(
        security.some((scheme) => 'serviceKey' in scheme),
        id,
      );
    }
  },
);

t.test('every operation except redirects documents its success response', async (t) => {
  const others = operationsOf(await readCommitted()).filter(
    ({ responses }) => !Object.keys(responses).some((status) => status.startsWith('2')),
  );
  t.same(others.map(({ operationId }) => operationId).sort(), ['openDocs', 'sessionIdOpenDocs']);
  for (const { operationId, responses } of others) t.ok(responses[302], operationId);
});

t.test('JSON bodies and answers have examples that match their schemas', async (t) => {
  const document = await readCommitted();
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'document', ...document });
  const at = (path: string[]) =>
    ajv.compile({
      $ref: `document#/${path.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
    });

  let count = 0;
  for (const { path, examples } of examplesIn(document)) {
    const validate = at(path);
    t.ok(examples.length > 0, `${path.join(' ')} has an example`);
    for (const example of examples) {
      t.ok(validate(example), `${path.join(' ')}: ${ajv.errorsText(validate.errors)}`);
      count += 1;
    }
  }
  t.ok(count > 60, `${count} examples`);
  t.notOk(at(['components', 'schemas', 'Problem'])({ type: 'x' }), 'a wrong example is found');
});

t.test('each refusal has an example of each of its codes', async (t) => {
  const { components } = await readCommitted();
  const responses = Object.entries(components.responses as Readonly<Record<string, Refused>>);
  t.ok(responses.length > 5, `${responses.length} responses`);
  for (const [name, { description, content }] of responses) {
    const { examples = {} } = content['application/problem+json'] ?? {};
    const codes = /^`code`: (.*)$/.exec(description)?.[1]?.split(', ') ?? Object.keys(examples);
    t.ok(codes.length > 0, name);
    t.strictSame(Object.keys(examples), codes, name);
    for (const code of codes) t.equal(examples[code]?.value.code, code, `${name} ${code}`);
  }
});

interface Refused {
  readonly description: string;
  readonly content: Readonly<Record<string, Media>>;
}

t.test('every string, array and number of the document has a bound', async (t) => {
  const document = await readCommitted();
  t.same([...findUnbounded(document)], []);
  const broken = structuredClone(document.components.schemas) as Record<string, { properties: object }>;
  Object.assign(broken.Problem?.properties ?? {}, {
    one: { type: 'string' },
    two: { type: 'array', items: { type: 'integer', minimum: 1 } },
  });
  t.same(
    [...findUnbounded(broken)],
    ['Problem/properties/one', 'Problem/properties/two', 'Problem/properties/two/items'],
  );
});

t.test('the service accepts the example bodies that contain no token', async (t) => {
  const { post, send } = await startHttpService(t);
  const document = await readCommitted();
  const postExample = async (path: string, status: number, headers = {}) => {
    const media = document.paths[path]?.post?.requestBody?.content?.['application/json'];
    const body = media && exampleOf(media);
    const answer = await post(path, body, headers);
    t.equal(answer.status, status, path);
    return answer.body;
  };
  await postExample('/auth/register', 201);
  const { access } = await postExample('/auth/login', 200);
  const authorization = `Bearer ${access}`;
  await postExample('/auth/password/forgot', 202);
  await postExample('/api/v1/login/', 200);
  await postExample('/api/v1/tasks/', 201, { authorization });
  await postExample('/api/v1/auth/login', 200);
  await postExample('/api/v1/logout/', 205, { authorization });
  t.equal((await send('/auth/me', { headers: { authorization } })).status, 401);
});

function operationsOf({ paths }: OpenApi) {
  return Object.values(paths).flatMap((path) => Object.values(path));
}

/** The schema of each body and of each JSON answer, by its place in the document, with all its examples. */
function* examplesIn({ paths, components }: OpenApi): Generator<{ path: string[]; examples: unknown[] }> {
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(operations)) {
      const operation = ['paths', path, method];
      const parts = Object.entries({ requestBody, ...prefixStatuses(responses) });
      for (const [part, { content = {} } = {}] of parts) {
        for (const [type, media] of Object.entries(content)) {
          if (type.startsWith('text/')) continue;
          const { schema, example, examples: named = {} } = media;
          const examples = [
            example,
            ...Object.values(named).map(({ value }) => value),
            ...examplesOf(schema, components),
          ].filter((one) => one !== undefined);
          yield { path: [...operation, ...part.split(' '), 'content', type, 'schema'], examples };
        }
      }
    }
  }
}

/** The places of schemas without a bound. Examples are skipped, because their members may look like a schema. */
function* findUnbounded(node: unknown, path: readonly string[] = []): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node) && !hasBound(node)) yield path.join('/');
  for (const [name, value] of Object.entries(node))
    if (!/^(examples?|securitySchemes)$/.test(name)) yield* findUnbounded(value, [...path, name]);
}

function hasBound(schema: object): boolean {
  const { type } = schema as { type?: unknown };
  const has = (...names: string[]) => names.every((name) => Object.hasOwn(schema, name));
  if (type === 'string') return has('maxLength') || has('enum') || has('const');
  if (type === 'array') return has('maxItems');
  if (type === 'integer' || type === 'number') return has('minimum', 'maximum');
  return true;
}

function prefixStatuses(responses: OpenApi['paths'][string][string]['responses']) {
  return Object.fromEntries(
    Object.entries(responses).map(([status, answer]) => [`responses ${status}`, answer]),
  );
}

function examplesOf(schema: object, { schemas }: Pick<OpenApi['components'], 'schemas'>): unknown[] {
  const { $ref, examples = [] } = schema as { $ref?: string; examples?: unknown[] };
  const target = schemas[$ref?.split('/').at(-1) ?? ''];
  return target === undefined ? examples : examplesOf(target, { schemas });
}
