-- Prints the users of Supabase as lines for `kinship users import`.
select json_strip_nulls(json_build_object(
  'id', id,
  'username', email,
  'email', email,
  'emailVerified', email_confirmed_at is not null,
  'passwordHash', nullif(encrypted_password, ''),
  'createdAt', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
))
from auth.users
where email is not null and deleted_at is null and (banned_until is null or banned_until < now());
