//! The scripts that write entries. A script is atomic.

use redis::Pipeline;

use crate::UnixMillis;

/// Returns a command that sets a key with a time to live in seconds, or permanently if it is zero, unless the key is
/// already kept for longer. It is a script, and therefore atomic.
pub(super) fn set_or_extend(key: &str, value: i64, ttl: u64) -> Pipeline {
    let mut commands = redis::pipe();
    let script = commands.cmd("EVAL").arg(SET_OR_EXTEND).arg(1).arg(key);
    script.arg(value).arg(ttl).ignore();
    commands
}

const SET_OR_EXTEND: &str = "
local ttl, current = tonumber(ARGV[2]), redis.call('TTL', KEYS[1])
if current == -1 or (ttl > 0 and current >= ttl) then return end
if ttl == 0 then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'EX', ttl) end
";

/// Returns a command that moves a watermark forward and extends its time to live in seconds, where zero is a permanent
/// one. It is a script, and therefore atomic.
pub(super) fn raise(key: &str, before: UnixMillis, ttl: u64) -> Pipeline {
    let mut commands = redis::pipe();
    let script = commands.cmd("EVAL").arg(RAISE).arg(1).arg(key);
    script.arg(before.get()).arg(ttl).ignore();
    commands
}

const RAISE: &str = "
local ttl, before = tonumber(ARGV[2]) * 1000, ARGV[1]
local kept, current = redis.call('PTTL', KEYS[1]), redis.call('GET', KEYS[1])
if current and tonumber(current) and tonumber(current) > tonumber(before) then before = current end
if kept == -1 or (ttl > 0 and kept >= ttl) then redis.call('SET', KEYS[1], before, 'KEEPTTL')
elseif ttl == 0 then redis.call('SET', KEYS[1], before)
else redis.call('SET', KEYS[1], before, 'PX', string.format('%.0f', ttl)) end
";
