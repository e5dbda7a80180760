import t from 'tap';
import { createMemoryStores } from '../../src/adapters/memory/session-store.ts';
import { outboxContract } from '../ports/outbox.ts';
import { tokenFamiliesContract } from '../ports/token-families.ts';
import { usersContract } from '../ports/users.ts';

t.test('token families in memory', async (t) => tokenFamiliesContract(t, async () => createMemoryStores()));
t.test('users in memory', async (t) => usersContract(t, async () => createMemoryStores()));
t.test('outbox in memory', async (t) => outboxContract(t, async () => createMemoryStores()));
