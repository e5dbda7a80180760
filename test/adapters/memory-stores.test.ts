import t from 'tap';
import { accountChangesContract } from '../ports/account-changes.ts';
import { accountPageSessionsContract } from '../ports/account-page-sessions.ts';
import { auditLogContract } from '../ports/audit-log.ts';
import { auditSealsContract } from '../ports/audit-seals.ts';
import { changeConditionsContract } from '../ports/change-conditions.ts';
import { emailChangesContract } from '../ports/email-changes.ts';
import { emailLinksContract } from '../ports/email-links.ts';
import { knownDevicesContract } from '../ports/known-devices.ts';
import { mailBudgetContract } from '../ports/mail-budget.ts';
import { outboxContract } from '../ports/outbox.ts';
import { secondFactorsContract } from '../ports/second-factors.ts';
import { SESSIONS_PER_USER, sessionLimitContract } from '../ports/session-limit.ts';
import { signingKeysContract } from '../ports/signing-keys.ts';
import { stepUpContract } from '../ports/step-up.ts';
import { tasksContract } from '../ports/tasks.ts';
import { tokenFamiliesContract } from '../ports/token-families.ts';
import { userDirectoryContract } from '../ports/user-directory.ts';
import { userIdsContract } from '../ports/user-ids.ts';
import { userStatesContract } from '../ports/user-states.ts';
import { userTransferContract } from '../ports/user-transfer.ts';
import { usersContract } from '../ports/users.ts';
import { webhooksContract } from '../ports/webhooks.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { createMemorySigningKeys } from '../support/memory/signing-keys.ts';

t.test('token families in memory', async (t) => tokenFamiliesContract(t, async () => createMemoryStores()));
t.test('the audit log in memory', async (t) => auditLogContract(t, async () => createMemoryStores()));
t.test('seals of the audit log in memory', async (t) =>
  auditSealsContract(t, async () => createMemoryStores()),
);
t.test('users in memory', async (t) => usersContract(t, async () => createMemoryStores()));
t.test('changes of accounts in memory', async (t) =>
  accountChangesContract(t, async () => createMemoryStores()),
);
t.test('imports in memory', async (t) => userTransferContract(t, async () => createMemoryStores()));
t.test('links about addresses in memory', async (t) =>
  emailLinksContract(t, async () => createMemoryStores()),
);
t.test('changes of addresses in memory', async (t) =>
  emailChangesContract(t, async () => createMemoryStores()),
);
t.test('conditions of sensitive changes in memory', async (t) =>
  changeConditionsContract(t, async () => createMemoryStores()),
);
t.test('sessions of account pages in memory', async (t) =>
  accountPageSessionsContract(t, async () => createMemoryStores()),
);
t.test('known devices in memory', async (t) => knownDevicesContract(t, async () => createMemoryStores()));
t.test('the limit of sessions in memory', async (t) =>
  sessionLimitContract(t, async () => createMemoryStores({ sessionsPerUser: SESSIONS_PER_USER })),
);
t.test('step-ups in memory', async (t) => stepUpContract(t, async () => createMemoryStores()));
t.test('second factors in memory', async (t) => secondFactorsContract(t, async () => createMemoryStores()));
t.test('states of users in memory', async (t) => userStatesContract(t, async () => createMemoryStores()));
t.test('lists of users in memory', async (t) => userDirectoryContract(t, async () => createMemoryStores()));
t.test('ids of users in memory', async (t) =>
  userIdsContract(t, async () => createMemoryStores({ sessionsPerUser: SESSIONS_PER_USER })),
);
t.test('tasks in memory', async (t) => tasksContract(t, async () => createMemoryStores()));
t.test('budgets of mails in memory', async (t) => mailBudgetContract(t, async () => createMemoryStores()));
t.test('outbox in memory', async (t) => outboxContract(t, async () => createMemoryStores()));
t.test('signing keys in memory', async (t) =>
  signingKeysContract(t, async () => {
    const { auditLog } = createMemoryStores();
    return { auditLog, signingKeys: createMemorySigningKeys(auditLog) };
  }),
);
t.test('webhooks in memory', async (t) => webhooksContract(t, async () => createMemoryStores()));
