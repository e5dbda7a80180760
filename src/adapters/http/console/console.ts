import { Type } from '@sinclair/typebox';
import type { FindPageSession } from '../../../app/account-pages/find-page-session.ts';
import type { FinishSignIn, SignInToPage } from '../../../app/account-pages/sign-in.ts';
import type { EndSession } from '../../../app/sessions/end-session.ts';
import { Refusal } from '../../../domain/refusal.ts';
import type { App } from '../server/app.ts';
import { clientInfoOf, logoutEnding } from '../server/client-info.ts';
import { registerCookieParser } from '../server/cookies.ts';
import { closed } from '../server/field-schemas.ts';
import { createOperatorCookie, type OperatorOptions } from '../server/operators.ts';
import { refuseForeignChange } from '../server/own-origin.ts';
import { Text } from '../server/schemas.ts';
import { type ConsoleFiles, consoleFileRoutes } from './files.ts';

export interface ConsoleOptions extends OperatorOptions {
  /** The sign-in of operators only. */
  readonly signInToConsole: SignInToPage;
  readonly finishConsoleSignIn: FinishSignIn;
  readonly findPageSession: FindPageSession;
  readonly endSession: EndSession;
  readonly serviceName: string;
}

const Credentials = Type.Object({ username: Text, password: Text }, closed);
const SecondStep = Type.Object(
  {
    challenge: Type.String({ maxLength: 4_096 }),
    code: Type.Optional(Type.String({ pattern: '^[0-9]{6}$' })),
    recoveryCode: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
);

/**
 * The console of operators: its files, and the sign-in. The pages take all data from the public API under `/admin`.
 * Must be registered in a scope of its own. The OpenAPI document does not describe these routes, because only the
 * console uses them.
 */
export async function consoleRoutes(app: App, files: ConsoleFiles, options: ConsoleOptions): Promise<void> {
  await registerCookieParser(app);
  app.addHook('onRequest', async (request) => refuseForeignChange(request, options.publicUrl));
  consoleFileRoutes(app, files, options.serviceName);
  sessionRoutes(app, options);
}

function sessionRoutes(app: App, options: ConsoleOptions): void {
  const { signInToConsole, finishConsoleSignIn, findOperator, findPageSession, endSession, publicUrl } =
    options;
  const cookie = createOperatorCookie(publicUrl);

  app.post('/console/session', { schema: { hide: true, body: Credentials } }, async (request, reply) => {
    const secret = await signInToConsole({ ...request.body, client: clientInfoOf(request) });
    return cookie.set(reply, secret).code(204).send(null);
  });

  const secondStep = { schema: { hide: true, body: SecondStep } };
  app.post('/console/session/second-factor', secondStep, async (request, reply) => {
    const { challenge, code, recoveryCode } = request.body;
    const proof = code !== undefined ? { code } : recoveryCode !== undefined ? { recoveryCode } : null;
    if (proof === null) throw new Refusal('invalid_request', 'Send code or recoveryCode.');
    const secret = await finishConsoleSignIn({ challenge, proof, client: clientInfoOf(request) });
    return cookie.set(reply, secret).code(204).send(null);
  });

  app.get('/console/session', { schema: { hide: true } }, async (request) => {
    const secret = cookie.read(request);
    const operator = secret === null ? null : await findOperator(secret, clientInfoOf(request));
    return { operator: operator && { userId: operator.userId } };
  });

  app.delete('/console/session', { schema: { hide: true } }, async (request, reply) => {
    const secret = cookie.read(request);
    // `findOperator` would not find the session of a user who is no operator any more.
    const session = secret === null ? null : await findPageSession(secret, clientInfoOf(request));
    if (session !== null) await endSession(session.sessionId, session.userId, logoutEnding(request));
    return cookie.clear(reply).code(204).send(null);
  });
}
