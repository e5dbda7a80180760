/**
 * A statement that inserts live families, one for each number from `first` to `last`, as logins create them. The id of
 * a family is the MD5 of its number. Hashes, seeds and key ids have the lengths of the service.
 */
export function insertFamilies(first: number, last: number): string {
  return `
    insert into token_families (
      token_family, user_id, paired, door, client_id, contact, on_address_change, on_user_agent_change, login_address,
      known_since_login, created_at, expires_at, generation, hashed_refresh_token_id, scheme, seed, access_key_id,
      refresh_key_id, access_expires_at, refresh_expires_at, address, user_agent, rotated_at
    )
    select md5(n::text)::uuid, md5('user' || n / 3)::uuid, true, 'canonical', 'backend', null, 'notify', 'ignore',
      '192.0.2.1', '{}', now(), now() + interval '90 days', 0, sha256(n::text::bytea), 'hmac-sha512',
      decode(md5(n::text), 'hex'), 'sPq5WkCV', 'cLHWEo9J', now() + interval '15 minutes', now() + interval '30 days',
      '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0', now()
    from generate_series(${first}, ${last}) n`;
}

/** A statement that rotates up to `count` of `families` families, chosen at random, as the service does. */
export function rotateSome(families: number, count: number): string {
  return `
    update token_families family set
      generation = generation + 1, previous_hash = hashed_refresh_token_id,
      hashed_refresh_token_id = sha256(hashed_refresh_token_id), seed = decode(md5(seed), 'hex'), rotated_at = now()
    from (select distinct md5((1 + floor(random() * ${families}))::text)::uuid as id from generate_series(1, ${count})) chosen
    where family.token_family = chosen.id`;
}
