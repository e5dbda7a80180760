/**
 * The provider's models in PostgreSQL: one table, as in the adapters its documentation lists. Consumed tokens are kept,
 * so that the provider recognizes a replay.
 */
export const TABLE = `
  create table models (
    kind text not null,
    id text not null,
    payload jsonb not null,
    grant_id text,
    user_code text,
    uid text,
    consumed_at timestamptz,
    expires_at timestamptz,
    primary key (kind, id)
  ) with (fillfactor = 80);
  create index models_grant_id on models (grant_id) where grant_id is not null;
  create index models_user_code on models (user_code) where user_code is not null;
  create index models_uid on models (uid) where uid is not null`;

const SELECT = `
  select payload, extract(epoch from consumed_at)::float8 as consumed from models
  where kind = $1 and (expires_at is null or expires_at > now())`;

const UPSERT = `
  insert into models (kind, id, payload, grant_id, user_code, uid, expires_at)
  values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
  on conflict (kind, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
    user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`;

/** The factory that the provider's `adapter` setting takes. */
export const adapterOver = (pool) => (kind) => {
  // A statement with a name is prepared only once on each connection.
  const run = (name, text, ...values) => pool.query({ name, text, values: [kind, ...values] });

  const found = ({ rows: [row] }) =>
    row && (row.consumed ? { ...row.payload, consumed: Math.floor(row.consumed) } : row.payload);

  return {
    async upsert(id, payload, expiresIn) {
      const { grantId, userCode, uid } = payload;
      await run('upsert', UPSERT, id, JSON.stringify(payload), grantId, userCode, uid, expiresIn);
    },
    find: async (id) => found(await run('find', `${SELECT} and id = $2`, id)),
    findByUserCode: async (code) => found(await run('find_user_code', `${SELECT} and user_code = $2`, code)),
    findByUid: async (uid) => found(await run('find_uid', `${SELECT} and uid = $2`, uid)),
    async consume(id) {
      await run('consume', 'update models set consumed_at = now() where kind = $1 and id = $2', id);
    },
    async destroy(id) {
      await run('destroy', 'delete from models where kind = $1 and id = $2', id);
    },
    async revokeByGrantId(grantId) {
      await run('revoke', 'delete from models where kind = $1 and grant_id = $2', grantId);
    },
  };
};
