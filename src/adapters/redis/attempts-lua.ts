/**
 * Adds the network to the known networks of the account. Beyond `most`, removes the networks that expire
 * first.
 */
const REMEMBER = `
  local function remember(known, knownFor, most)
    redis.call('ZADD', known, now + knownFor, name)
    redis.call('ZREMRANGEBYRANK', known, 0, -1 - most)
    redis.call('PEXPIRE', known, knownFor)
  end
`;

/**
 * The rules of `domain/attempts.ts` in Lua, because Redis runs a script atomically. Every key expires, by the
 * clock of the server. Kinds of keys:
 *
 * - A count is a hash of `failures`, `lastAt` and `forgottenUpTo`.
 * - The known networks of an account are a sorted set. The score is the time at which a network stops being
 *   known.
 * - A window is a list of times, oldest first.
 *
 * `BEGIN` and `RECORD_SUCCESS` take these KEYS: known networks, the identifier at this known network, the
 * identifier at all other networks, network. They take these ARGV: now, the network's name in the sorted set, then
 * free, firstDelay, longestDelay, quiet and forgetOneAfter (0: never) for identifiers, the same for networks, then
 * knownFor and knownNetworks.
 */
const COUNTS = `
  local now, name = tonumber(ARGV[1]), ARGV[2]

  local function countAt(key, offset)
    local found = redis.call('HMGET', key, 'failures', 'lastAt', 'forgottenUpTo')
    local count = {
      key = key,
      failures = tonumber(found[1] or 0),
      lastAt = tonumber(found[2] or 0),
      forgottenUpTo = tonumber(found[3] or found[2] or now),
      free = tonumber(ARGV[offset]),
      first = tonumber(ARGV[offset + 1]),
      longest = tonumber(ARGV[offset + 2]),
      quiet = tonumber(ARGV[offset + 3]),
      forgetOneAfter = tonumber(ARGV[offset + 4]),
    }
    if now - count.lastAt >= count.quiet then count.failures = 0 end
    if count.forgetOneAfter > 0 then
      local forgotten = math.max(0, math.floor((now - count.forgottenUpTo) / count.forgetOneAfter))
      count.failures = math.max(0, count.failures - forgotten)
      count.forgottenUpTo = count.forgottenUpTo + forgotten * count.forgetOneAfter
    end
    if count.failures == 0 then count.forgottenUpTo = now end
    return count
  end

  local function waitWith(count, failures)
    if failures < count.free then return 0 end
    local delay = math.min(count.longest, count.first * 2 ^ (failures - count.free))
    return math.max(0, math.min(count.lastAt, now) + delay - now)
  end

  local function waitFor(count)
    local wait = waitWith(count, count.failures)
    if count.forgetOneAfter == 0 then return wait end
    for forgotten = 1, count.failures - count.free + 1 do
      local forgottenIn = math.min(count.forgottenUpTo, now) + forgotten * count.forgetOneAfter - now
      if forgottenIn >= wait then break end
      wait = math.min(wait, math.max(forgottenIn, waitWith(count, count.failures - forgotten)))
    end
    return wait
  end
`;

/**
 * Returns the milliseconds to wait, and the position of the count that requires it (1 is the first). A wait of 0 means
 * that the attempt is allowed and counted. Then the second number says how many counts were raised: 1 at a known
 * network, 2 elsewhere.
 */
export const BEGIN = `${COUNTS}
  local isKnown = now < tonumber(redis.call('ZSCORE', KEYS[1], name) or 0)
  local counts
  if isKnown then counts = { countAt(KEYS[2], 3) }
  else counts = { countAt(KEYS[3], 3), countAt(KEYS[4], 8) } end

  local longest, waitedFor = 0, 0
  for index, count in ipairs(counts) do
    local wait = waitFor(count)
    if wait > longest then longest, waitedFor = wait, index end
  end
  if longest > 0 then return { longest, waitedFor } end

  for _, count in ipairs(counts) do
    redis.call('HSET', count.key, 'failures', count.failures + 1, 'lastAt', ARGV[1],
      'forgottenUpTo', string.format('%.0f', count.forgottenUpTo))
    redis.call('PEXPIRE', count.key, count.quiet)
  end
  return { 0, #counts }
`;

/**
 * Resets the count of the identifier at the known network, subtracts this attempt from the other counts if it raised
 * them, and makes the network known. One more ARGV: the counts that the attempt raised, such as `shared`.
 */
export const RECORD_SUCCESS = `${COUNTS}${REMEMBER}
  redis.call('DEL', KEYS[2])
  if ARGV[15] == 'shared' then
    for _, count in ipairs({ countAt(KEYS[3], 3), countAt(KEYS[4], 8) }) do
      if count.failures <= 1 then redis.call('DEL', count.key)
      else
        redis.call('HSET', count.key, 'failures', count.failures - 1,
          'forgottenUpTo', string.format('%.0f', count.forgottenUpTo))
      end
    end
  end
  remember(KEYS[1], tonumber(ARGV[13]), tonumber(ARGV[14]))
  return 0
`;

/**
 * Makes the network known, and resets the counts of all identifiers, also at each known network. KEYS: known networks,
 * then the identifiers' counts at other networks. ARGV: now, the network's name, knownFor, knownNetworks, then for each
 * identifier the beginning of the keys of its counts at known networks, to which the name of a network is added.
 */
export const RECORD_RECOVERY = `
  local now, name = tonumber(ARGV[1]), ARGV[2]
  ${REMEMBER}
  remember(KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4]))
  local networks = redis.call('ZRANGE', KEYS[1], 0, -1)
  for index = 2, #KEYS do
    redis.call('DEL', KEYS[index])
    for _, network in ipairs(networks) do redis.call('DEL', ARGV[index + 3] .. network) end
  end
  return 0
`;

/**
 * Counts an action in a sliding window. KEYS: the window. ARGV: now, limit, perMilliseconds. Returns the number of
 * actions that were left before this one, and the milliseconds to wait. One of the two is 0.
 */
export const COUNT_ACTION = `
  local now, limit, span = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local oldest = redis.call('LINDEX', KEYS[1], 0)
  while oldest and now - tonumber(oldest) >= span do
    redis.call('LPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], 0)
  end
  local left = limit - redis.call('LLEN', KEYS[1])
  if left <= 0 then
    local leaving = tonumber(redis.call('LINDEX', KEYS[1], -limit) or now)
    return { 0, math.min(leaving, now) + span - now }
  end
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], span)
  return { left, 0 }
`;

/** Removes one action from its window. KEYS: the window. ARGV: the `now` with which the action was counted. */
export const UNCOUNT_ACTION = `return redis.call('LREM', KEYS[1], -1, ARGV[1])`;
