import t from 'tap';
import { addAuthenticatorApp, bearer, registerAndLogIn } from '../support/factors.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

/** A user who signed in with the password, and whose account got a second factor after that. */
async function userWithFactor(t: Parameters<typeof startHttpService>[0]) {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const app = await addAuthenticatorApp(service, ann);
  const json = { 'content-type': 'application/json' };
  const change = (token: string, body: object) =>
    service.post('/auth/email', { email: 'new@example.com', ...body }, bearer({ access: token }));
  const remove = (token: string, body: object) =>
    service.send('/auth/me', {
      method: 'DELETE',
      headers: { ...bearer({ access: token }), ...json },
      body: JSON.stringify(body),
    });
  return { service, ann, app, change, remove };
}

const CHALLENGED = { status: 401, body: { code: 'step_up_required', recovery: 'step_up' } };

t.test(
  'with the password alone an account with a second factor can be neither deleted nor get another address',
  async (t) => {
    const { service, ann, change, remove } = await userWithFactor(t);
    for (const request of [change, remove]) {
      const answer = await request(ann.access, { password: PASSWORD });
      t.match(answer, CHALLENGED, 'a sign-in by password a moment ago, and the password again');
      t.equal(
        answer.headers.get('www-authenticate'),
        'Bearer realm="kinship", error="insufficient_user_authentication", max_age=600, acr_values="aal2"',
      );
    }
    t.match((await service.send('/auth/me', { headers: bearer(ann) })).body, { email: 'ann@example.com' });
  },
);

t.test(
  'after a step-up with the second factor the account can be deleted and its address changed',
  async (t) => {
    const { service, ann, app, change, remove } = await userWithFactor(t);
    const { refresh: refreshToken, access: accessToken } = ann;
    const byPassword = await service.post('/auth/step-up', { refreshToken, accessToken, password: PASSWORD });
    t.match(byPassword, { status: 401, body: { code: 'proof_refused' } });
    const raised = await service.post('/auth/step-up', { refreshToken, accessToken, code: app.code() });
    t.equal(raised.status, 200);
    const token = String(raised.body.access);
    t.equal((await change(token, {})).status, 202);
    t.equal((await remove(token, {})).status, 204);
  },
);
