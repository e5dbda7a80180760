import { examplesOf, PROBLEM_TYPE } from '../../server/problems.ts';
import { BODY_IS_OPTIONAL, DPOP, IDEMPOTENCY_KEY, SESSION_TRANSPORT } from '../../server/schemas.ts';
import { headersOf } from './components.ts';

interface Response {
  $ref?: string;
  headers?: Record<string, object>;
  content?: Record<string, { schema: object; examples?: object }>;
}

interface Operation {
  requestBody?: { required?: boolean };
  parameters?: { $ref?: string; name?: string }[];
  responses: Record<string, Response>;
  [BODY_IS_OPTIONAL]?: true;
}

/** The part of the document that this module changes. */
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: Record<'schemas' | 'responses' | 'parameters', Record<string, unknown>>;
}

/** Prepares the generated document for client generators: repeated parts become named components. */
export function nameComponents(document: Document): void {
  const { components, paths } = document;
  Object.assign(components, { responses: {}, parameters: {} });
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    markBodyOptional(operation);
    nameResponses(operation, components);
    nameParameters(operation, components);
  }
  document.paths = nameSchemas(paths, components) as Document['paths'];
}

type Components = Document['components'];

/** The generator marks every body as required. A route declares its optional body by {@link BODY_IS_OPTIONAL}. */
function markBodyOptional(operation: Operation): void {
  if (operation[BODY_IS_OPTIONAL] !== true) return;
  if (operation.requestBody !== undefined) operation.requestBody.required = false;
  delete operation[BODY_IS_OPTIONAL];
}

/** Problems of one status have the same response on every route. */
function nameResponses(operation: Operation, components: Components): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    response.headers = headersOf(status, response.headers);
    const { [PROBLEM_TYPE]: problem, ...others } = response.content ?? {};
    if (problem === undefined) continue;
    problem.examples = examplesOf(status);
    if (Object.keys(others).length === 0)
      operation.responses[status] = addComponent(
        components,
        'responses',
        STATUSES[status] ?? `Status${status}`,
        response,
      );
  }
}

/** Names by RFC 9110, and for 429 by RFC 6585. Node's own names differ between versions. */
const STATUSES: Readonly<Record<string, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  422: 'UnprocessableContent',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  '4XX': 'ClientError',
  '5XX': 'ServerError',
};

/** The headers that become components, as the documents spell them. Schemas name them in lower case. */
const PARAMETERS: Readonly<Record<string, string>> = {
  [IDEMPOTENCY_KEY]: 'Idempotency-Key',
  [DPOP]: 'DPoP',
  [SESSION_TRANSPORT]: 'X-Session-Transport',
};

function nameParameters({ parameters = [] }: Operation, components: Components): void {
  for (const [index, parameter] of parameters.entries()) {
    const name = PARAMETERS[parameter.name ?? ''];
    if (name === undefined) continue;
    const written = { ...parameter, name };
    parameters[index] = addComponent(components, 'parameters', name.replaceAll('-', ''), written);
  }
}

/** A schema with a title becomes a component of that name. Objects inside examples are not schemas. */
function nameSchemas(value: unknown, components: Components): unknown {
  if (Array.isArray(value)) return value.map((item) => nameSchemas(item, components));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) =>
    key === 'example' || key === 'examples' ? [key, member] : [key, nameSchemas(member, components)],
  );
  const { title, ...schema } = Object.fromEntries(members);
  if (typeof title === 'string') return addComponent(components, 'schemas', title, schema);
  return title === undefined ? schema : { ...schema, title };
}

/** Stores the component under this name and returns a reference. Throws if the name is taken by another component. */
function addComponent(
  components: Components,
  kind: keyof Components,
  name: string,
  value: unknown,
): { $ref: string } {
  const component = components[kind][name] ?? value;
  if (JSON.stringify(component) !== JSON.stringify(value))
    throw new Error(`There are two ${kind} named ${name}.`);
  components[kind][name] = component;
  return { $ref: `#/components/${kind}/${name}` };
}
