-- The pairs of network and product that a user's sessions were used from, with the last use. The pairs that sessions have
-- at present are in token_families, so that a refresh from the same pair writes nothing here. At most 50 rows per user.
create table known_devices (
  user_id  uuid not null,
  device   bytea not null,
  used_at  timestamptz(3) not null,
  primary key (user_id, device)
);

create index known_devices_by_use on known_devices (used_at);

-- Whether the user has ever opened a session. The default is for users from before this table.
alter table user_states add column session_opened boolean not null default false;

-- A hash of the network (an IPv4 address, an IPv6 /64, or loopback) and the product.
create function device_of(address text, product_hash bytea, user_agent text)
returns bytea language plpgsql immutable as $$
declare
  network text := address;
begin
  if address like '127.%' or address = '::1' then
    network := 'loopback';
  elsif address like '%:%' then
    network := host(network(set_masklen(split_part(address, '%', 1)::inet, 64)));
  end if;
  return sha256(convert_to(network || ' ', 'UTF8') || coalesce(product_hash, convert_to(user_agent, 'UTF8')));
exception when invalid_text_representation then
  return sha256(convert_to(address, 'UTF8') || coalesce(product_hash, convert_to(user_agent, 'UTF8')));
end
$$;

create function remember_device(of_user uuid, used_device bytea, at timestamptz)
returns void language sql as $$
  insert into known_devices as known (user_id, device, used_at) values (of_user, used_device, at)
  on conflict (user_id, device) do update set used_at = greatest(known.used_at, excluded.used_at);
  delete from known_devices
  where user_id = of_user and device in (
    select device from known_devices where user_id = of_user order by used_at desc offset 50
  );
$$;

-- Remembers the pair of a new session. True if the user has not used it since `since`, and has had a session before. Must
-- run after the user's row in user_states is locked.
create function note_device(
  of_user uuid, opened uuid, address text, product_hash bytea, user_agent text, at timestamptz, since timestamptz
) returns boolean language plpgsql as $$
declare
  used_device bytea := device_of(address, product_hash, user_agent);
  is_new boolean;
begin
  perform pg_advisory_xact_lock(hashtextextended(of_user::text, 22));
  is_new := not exists (
    select from known_devices where user_id = of_user and device = used_device and used_at > since
  );
  if is_new then
    is_new := not exists (
      select from token_families as family
      where family.user_id = of_user and family.token_family <> opened and family.rotated_at > since
        and device_of(family.address, family.product_hash, family.user_agent) = used_device
    );
  end if;
  update user_states set session_opened = true where user_id = of_user and not session_opened;
  if found then
    is_new := is_new and exists (
      select from token_families where user_id = of_user and token_family <> opened
    );
  end if;
  perform remember_device(of_user, used_device, at);
  return is_new;
end
$$;

-- Remembers the pair that a session leaves. It waits for no lock, because a statement may rotate the sessions of many
-- users: a pair that is not remembered causes one mail too many.
create function remember_left_device() returns trigger language plpgsql as $$
begin
  if old.rotated_at > now() - interval '90 days'
    and pg_try_advisory_xact_lock(hashtextextended(old.user_id::text, 22)) then
    perform remember_device(
      old.user_id, device_of(old.address, old.product_hash, old.user_agent), old.rotated_at);
  end if;
  return null;
end
$$;

-- A rotation from the same pair is filtered by the condition and does not call the function.
create trigger token_families_remember_left_device
  after update of address, product_hash on token_families
  for each row
  when (old.address is distinct from new.address or old.product_hash is distinct from new.product_hash)
  execute function remember_left_device();

create trigger token_families_remember_last_device
  after delete on token_families
  for each row
  execute function remember_left_device();
