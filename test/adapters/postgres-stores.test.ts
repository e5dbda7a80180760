import t, { type Test } from 'tap';
import { accountPageSessionsContract } from '../ports/account-page-sessions.ts';
import { auditLogContract } from '../ports/audit-log.ts';
import { auditSealsContract } from '../ports/audit-seals.ts';
import { emailChangesContract } from '../ports/email-changes.ts';
import { emailLinksContract } from '../ports/email-links.ts';
import { knownDevicesContract } from '../ports/known-devices.ts';
import { mailBudgetContract } from '../ports/mail-budget.ts';
import { outboxContract } from '../ports/outbox.ts';
import { secondFactorsContract } from '../ports/second-factors.ts';
import { sessionLimitContract } from '../ports/session-limit.ts';
import { signingKeysContract } from '../ports/signing-keys.ts';
import { stepUpContract } from '../ports/step-up.ts';
import { tasksContract } from '../ports/tasks.ts';
import { tokenFamiliesContract } from '../ports/token-families.ts';
import { userStatesContract } from '../ports/user-states.ts';
import { userTransferContract } from '../ports/user-transfer.ts';
import { usersContract } from '../ports/users.ts';
import { webhooksContract } from '../ports/webhooks.ts';
import { embeddedStores, postgresStores, type SqlStores } from '../support/open-stores.ts';

async function contracts(t: Test, stores: SqlStores): Promise<void> {
  const fresh = async () => {
    await stores.clear();
    return stores;
  };
  await t.test('token families', async (t) => tokenFamiliesContract(t, fresh));
  await t.test('audit log', async (t) => auditLogContract(t, fresh));
  await t.test('seals of the audit log', async (t) => auditSealsContract(t, fresh));
  await t.test('users', async (t) => usersContract(t, fresh));
  await t.test('imports', async (t) => userTransferContract(t, fresh));
  await t.test('links about addresses', async (t) => emailLinksContract(t, fresh));
  await t.test('changes of addresses', async (t) => emailChangesContract(t, fresh));
  await t.test('sessions of account pages', async (t) => accountPageSessionsContract(t, fresh));
  await t.test('known devices', async (t) => knownDevicesContract(t, fresh));
  await t.test('the limit of sessions', async (t) => sessionLimitContract(t, fresh));
  await t.test('step-ups', async (t) => stepUpContract(t, fresh));
  await t.test('second factors', async (t) => secondFactorsContract(t, fresh));
  await t.test('states of users', async (t) => userStatesContract(t, fresh));
  await t.test('tasks', async (t) => tasksContract(t, fresh));
  await t.test('budgets of mails', async (t) => mailBudgetContract(t, fresh));
  await t.test('outbox', async (t) => outboxContract(t, fresh));
  await t.test('signing keys', async (t) => signingKeysContract(t, async () => (await fresh()).signingKeys));
  await t.test('webhooks', async (t) => webhooksContract(t, fresh));
}

t.test('PostgreSQL', async (t) => {
  const stores = await postgresStores(t);
  if (stores !== null) await contracts(t, stores);
});

t.test('the embedded database', async (t) => contracts(t, await embeddedStores(t)));
