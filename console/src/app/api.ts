/** A refusal of the service. Its message is for people. */
export class ServiceRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    super(String(problem.detail ?? problem.title ?? `The service does not answer (${status}). Try again.`));
    this.status = status;
    this.code = String(problem.code ?? '');
    this.problem = problem;
  }
}

interface Call {
  readonly body?: object;
  /** Why an operator makes this change, for the log. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

/** Called when the session of the console has ended. */
let onSignedOut = () => {};

export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/**
 * Sends a request to this origin, with the cookie of the operator. Throws {@link ServiceRefusal} for a refusal, and an
 * `Error` with a sentence for people if the service cannot be reached.
 */
export async function call<Answer = null>(
  method: string,
  path: string,
  { body, reason, signal }: Call = {},
): Promise<Answer> {
  const { response, text } = await send(path, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(reason !== undefined && { 'x-reason': encodeURIComponent(reason) }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  const answer = parseAnswer(text);
  if (response.ok && answer !== undefined) return answer;
  if (response.status === 401 && path.startsWith('/admin/')) onSignedOut();
  throw new ServiceRefusal(response.status, answer ?? {});
}

async function send(path: string, init: RequestInit) {
  try {
    const response = await fetch(path, init);
    return { response, text: await response.text() };
  } catch (error) {
    // The messages of browsers differ, and do not say what to do.
    if (init.signal?.aborted) throw error;
    throw new Error('The service cannot be reached. Check the connection, then try again.', { cause: error });
  }
}

/** Null for an empty text. Undefined for a text that is not JSON, such as the page of a proxy. */
function parseAnswer(text: string) {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The query for a list of the API: these fields of the query of a page, and the maximum number of entries. */
export function listQuery(pageQuery: URLSearchParams, fields: readonly string[]): URLSearchParams {
  const query = new URLSearchParams({ limit: '50' });
  for (const field of fields) {
    const value = pageQuery.get(field);
    if (value) query.set(field, value);
  }
  return query;
}

/** The id comes from the URL of the page, which can hold anything. */
export const apiPathOfSession = (id: string) => `/admin/sessions/${encodeURIComponent(id)}`;

export const endSession = (id: string, reason: string) => call('DELETE', apiPathOfSession(id), { reason });

/** A user id can hold any visible character. */
export const apiPathOfUser = (userId: string) => `/admin/users/${encodeURIComponent(userId)}`;

export const endSessionsOf = (userId: string, reason: string) =>
  call('DELETE', `${apiPathOfUser(userId)}/sessions`, { reason });

interface Disabled {
  /** Null: the user may log in. */
  readonly disabledAt: string | null;
}

const disabledPathOf = (userId: string) => `${apiPathOfUser(userId)}/disabled`;

export async function readDisabledAt(userId: string, signal: AbortSignal): Promise<string | null> {
  return (await call<Disabled>('GET', disabledPathOf(userId), { signal })).disabledAt;
}

export const disableUser = (userId: string, reason: string) =>
  call('PUT', disabledPathOf(userId), { reason });

export const enableUser = (userId: string, reason: string) =>
  call('DELETE', disabledPathOf(userId), { reason });
