import t from 'tap';
import { userKey } from '../../src/adapters/postgres/user-key.ts';
import { CHANGES, type World, withAccount } from '../ports/change-conditions.ts';
import { NOW } from '../support/families.ts';
import { postgresStores } from '../support/open-stores.ts';
import { waitForLocks } from '../support/postgres.ts';

t.test(
  'a sensitive change waits for a transaction that ends its authorization, and is refused',
  async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    const { sql } = stores;
    const key = ({ user }: World) => userKey(user.id);
    const ended = new Date(NOW);
    const endings: Readonly<Record<string, (world: World) => Parameters<typeof sql.unsafe>>> = {
      'a new password': (world) => ["update users set password_hash = 'newer' where id = $1", [key(world)]],
      'the end of the session': ({ requesting }) => [
        "update token_families set revoked_at = $2, revoked_reason = 'logout' where token_family = $1",
        [requesting, ended],
      ],
      'the disabling of the user': (world) => [
        'update user_states set disabled_at = $2, security_version = gen_random_uuid() where user_id = $1',
        [key(world), ended],
      ],
    };
    for (const [what, ending] of Object.entries(endings))
      for (const [name, change] of Object.entries(CHANGES)) {
        const world = await withAccount(stores);
        const { waiting } = await sql.begin(async (tx) => {
          await tx.unsafe(...ending(world));
          const waiting = change(world, world.condition, []);
          await waitForLocks(sql, 1);
          return { waiting };
        });
        t.notOk(await waiting, `${name} during ${what}`);
      }
  },
);
