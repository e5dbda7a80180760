-- Wrong passwords of the present minutes, by account and network. All unknown names of a network are one row. The rows of
-- a minute are copied into the audit log when the minute is over, so that a sealed row never changes.
create table failed_passwords (
  minute   timestamptz(3) not null,
  -- Without an account: `unknown`, or `rest` for what is beyond the limit.
  subject  text not null,
  network  text not null,
  count    integer not null,
  primary key (minute, subject, network)
);

-- Counts a wrong password. A minute has at most 1,000 rows; beyond them all are counted in one. The lock is taken only for
-- a row that does not exist yet.
create function count_failed_password(at timestamptz, of_subject text, of_network text)
returns void language plpgsql as $$
declare
  this_minute timestamptz := date_trunc('minute', at, 'UTC');
begin
  update failed_passwords set count = count + 1
  where minute = this_minute and subject = of_subject and network = of_network;
  if found then return; end if;

  perform pg_advisory_xact_lock(hashtextextended('failed_passwords', 88));
  if (select count(*) from failed_passwords where minute = this_minute) >= 999 then
    of_subject := 'rest';
    of_network := '';
  end if;
  insert into failed_passwords as counted (minute, subject, network, count)
  values (this_minute, of_subject, of_network, 1)
  on conflict (minute, subject, network) do update set count = counted.count + 1;
end
$$;
