import type { Test } from 'tap';
import type { SqlStores } from '../support/open-stores.ts';
import { accountChangesContract } from './account-changes.ts';
import { accountPageSessionsContract } from './account-page-sessions.ts';
import { auditLogContract } from './audit-log.ts';
import { auditSealsContract } from './audit-seals.ts';
import { changeConditionsContract } from './change-conditions.ts';
import { emailChangesContract } from './email-changes.ts';
import { emailLinksContract } from './email-links.ts';
import { knownDevicesContract } from './known-devices.ts';
import { mailBudgetContract } from './mail-budget.ts';
import { outboxContract } from './outbox.ts';
import { secondFactorsContract } from './second-factors.ts';
import { sessionLimitContract } from './session-limit.ts';
import { signingKeysContract } from './signing-keys.ts';
import { stepUpContract } from './step-up.ts';
import { tasksContract } from './tasks.ts';
import { tokenFamiliesContract } from './token-families.ts';
import { userDirectoryContract } from './user-directory.ts';
import { userIdsContract } from './user-ids.ts';
import { userStatesContract } from './user-states.ts';
import { userTransferContract } from './user-transfer.ts';
import { usersContract } from './users.ts';
import { webhooksContract } from './webhooks.ts';

/** Runs the contract of each store on stores in a database. */
export async function storeContracts(t: Test, stores: SqlStores): Promise<void> {
  const fresh = async () => {
    await stores.clear();
    return stores;
  };
  await t.test('token families', async (t) => tokenFamiliesContract(t, fresh));
  await t.test('audit log', async (t) => auditLogContract(t, fresh));
  await t.test('seals of the audit log', async (t) => auditSealsContract(t, fresh));
  await t.test('users', async (t) => usersContract(t, fresh));
  await t.test('changes of accounts by operators', async (t) => accountChangesContract(t, fresh));
  await t.test('imports', async (t) => userTransferContract(t, fresh));
  await t.test('links about addresses', async (t) => emailLinksContract(t, fresh));
  await t.test('changes of addresses', async (t) => emailChangesContract(t, fresh));
  await t.test('conditions of sensitive changes', async (t) => changeConditionsContract(t, fresh));
  await t.test('sessions of account pages', async (t) => accountPageSessionsContract(t, fresh));
  await t.test('known devices', async (t) => knownDevicesContract(t, fresh));
  await t.test('the limit of sessions', async (t) => sessionLimitContract(t, fresh));
  await t.test('step-ups', async (t) => stepUpContract(t, fresh));
  await t.test('second factors', async (t) => secondFactorsContract(t, fresh));
  await t.test('states of users', async (t) => userStatesContract(t, fresh));
  await t.test('lists of users', async (t) => userDirectoryContract(t, fresh));
  await t.test('ids of users', async (t) => userIdsContract(t, fresh));
  await t.test('tasks', async (t) => tasksContract(t, fresh));
  await t.test('budgets of mails', async (t) => mailBudgetContract(t, fresh));
  await t.test('outbox', async (t) => outboxContract(t, fresh));
  await t.test('signing keys', async (t) => signingKeysContract(t, fresh));
  await t.test('webhooks', async (t) => webhooksContract(t, fresh));
}
