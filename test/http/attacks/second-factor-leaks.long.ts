import { nonceOf, softwareAuthenticator } from '../../support/authenticator.ts';
import { addAuthenticatorApp, bearer, logIn, registerAndLogIn } from '../../support/factors.ts';
import { NOW } from '../../support/families.ts';
import { createLeakCheck, dump, spellings } from '../../support/leaks.ts';
import { databaseTest, serviceOnDatabase } from '../../support/service-on-database.ts';

databaseTest(
  'no secret of a second factor is in the log, the metrics, the events or the database',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
    const ann = await registerAndLogIn(service);
    const app = await addAuthenticatorApp(service, ann);
    const { body } = await service.post('/auth/factors/recovery-codes', undefined, bearer(ann));
    const codes = body.codes as string[];
    const challenges: string[] = [];
    const answer = async (proof: object) => {
      const challenge = String((await logIn(service, 'ann')).body.challenge);
      challenges.push(challenge);
      return service.post('/auth/login/second-factor', { challenge, ...proof });
    };
    const [code, wrongRecoveryCode] = [app.code(), '0123AB-CDEFGH-JKMNPQ-RSTVWX'];
    const answers = [
      await answer({ code }),
      await answer({ recoveryCode: codes[0] }),
      await answer({ code }),
      await answer({ recoveryCode: wrongRecoveryCode }),
      await answer({ code, recoveryCode: codes[1] }),
      await answer({ code: app.secret }),
    ];
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 401, 401, 400, 400],
    );
    const key = softwareAuthenticator();
    const begun = (await service.post('/auth/factors/passkeys/options', undefined, bearer(ann))).body;
    const credential = key.create(nonceOf(begun));
    await service.post('/auth/factors/passkeys', { challenge: begun.challenge, credential }, bearer(ann));
    const login = (await service.post('/auth/login/passkey/options')).body;
    challenges.push(String(begun.challenge), String(login.challenge));
    const assertion = key.get(nonceOf(login));
    for (const status of [200, 401]) {
      const passkeyLogin = { challenge: login.challenge, assertion };
      t.equal((await service.post('/auth/login/passkey', passkeyLogin)).status, status);
    }
    const secrets = Object.fromEntries([
      ['the signature of a passkey', assertion.response.signature],
      ['the signed data of a passkey', assertion.response.clientDataJSON],
      ['the nonce of a passkey', nonceOf(login)],
      ['the secret of the app', app.secret],
      ['a wrong recovery code', wrongRecoveryCode],
      ...codes.map((one, index) => [`recovery code ${index}`, one]),
      ...challenges.flatMap((one, index) =>
        one
          .split('.')
          .slice(2)
          .map((part) => [`challenge ${index}`, part]),
      ),
    ]) as Record<string, string>;
    const leakCheck = createLeakCheck(t, service, { ...secrets, 'a code': `"${code}"` });
    leakCheck.log();
    for (const [index, { body: refused }] of answers.slice(2).entries())
      leakCheck.answer(`refusal ${index}`, JSON.stringify(refused));
    leakCheck.answer(
      'the list of factors',
      JSON.stringify(await service.send('/auth/factors', { headers: bearer(ann) })),
    );
    leakCheck.answer('the metrics', await (await fetch(`${service.url}/metrics`)).text());

    const values = (await dump(sql)).flatMap(spellings);
    t.ok(values.length > 100, 'the dump is not empty');
    const withoutHyphens = Object.values(secrets).flatMap((secret) => [secret, secret.replaceAll('-', '')]);
    const found = values.filter((value) => withoutHyphens.some((secret) => value.includes(secret)));
    t.same(found, [], 'the database with its events');
    t.notOk(values.includes(code), 'the code');

    // A thief with the dump and the password tries every value of the dump as a recovery code.
    const rows = await sql<{ hashed_code: Buffer }[]>`select hashed_code from recovery_codes`;
    const stored = new Set(rows.map(({ hashed_code }) => hashed_code.toString('base64url')));
    t.equal(stored.size, 9);
    t.ok(stored.has(service.recoveryCodes.hash(ann.id, codes[1] ?? '')), 'the right code has a stored hash');
    t.same(
      values.filter((value) => stored.has(service.recoveryCodes.hash(ann.id, value))),
      [],
    );
  },
);
