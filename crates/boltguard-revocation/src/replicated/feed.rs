//! The commands to the server with the stream.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value};

use crate::RevocationError;
use crate::redis::Pool;
use crate::replica::{
    EPOCH_GROUP, RevocationEntry, StreamId, StreamQuery, StreamResponse, StreamRow,
};

/// A stream in Redis.
pub(super) struct Feed {
    pub(super) pool: Pool,
    pub(super) prefix: Box<str>,
    /// The approximate number of rows to keep.
    pub(super) rows: usize,
    /// The number of replica servers that must receive a row.
    pub(super) replicas: usize,
}

impl Feed {
    /// Appends an entry, and returns whether enough replica servers have received it.
    pub(super) fn append(&self, entry: &RevocationEntry) -> Result<bool, RevocationError> {
        let mut commands = self.addition(entry);
        if self.replicas == 0 {
            return self.run::<()>(&commands).map(|()| true);
        }
        // Before the response times out.
        let timeout = (self.pool.timeout() / 2).max(Duration::from_millis(1));
        commands
            .cmd("WAIT")
            .arg(self.replicas)
            .arg(milliseconds(timeout));
        let (received,): (usize,) = self.run(&commands)?;
        Ok(received >= self.replicas)
    }

    /// Appends an entry of which no caller waits for the replica servers any more.
    pub(super) fn append_late(&self, entry: &RevocationEntry) -> Result<(), RevocationError> {
        self.run(&self.addition(entry))
    }

    fn addition(&self, entry: &RevocationEntry) -> Pipeline {
        let mut commands = redis::pipe();
        let add = commands.cmd("XADD").arg(self.stream());
        add.arg("MAXLEN").arg("~").arg(self.rows).arg("*");
        for (name, value) in entry.fields() {
            add.arg(name).arg(value);
        }
        add.ignore();
        commands
    }

    pub(super) fn query(&self, query: &StreamQuery) -> Result<StreamResponse, RevocationError> {
        let mut commands = redis::pipe();
        for words in query.commands(&self.stream()) {
            let mut command = Cmd::new();
            command.arg(words);
            commands.add_command(command);
        }
        let replies: Vec<Value> = self.run(commands.ignore_errors())?;
        response(replies).ok_or(RevocationError::Unavailable)
    }

    fn run<T: redis::FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RevocationError> {
        let result = self.pool.query(commands);
        result.map_err(|_| RevocationError::Unavailable)
    }

    fn stream(&self) -> String {
        [&*self.prefix, "stream"].concat()
    }
}

/// Parses the responses to the commands of a query. Returns `None` if one is invalid or an error.
fn response(mut replies: Vec<Value>) -> Option<StreamResponse> {
    let (write, read) = (replies.pop()?, replies.pop()?);
    // Of the command that creates the epoch, or of `MULTI`.
    let is_expected = |reply: &Value| error_code(reply).is_none_or(|code| EXPECTED.contains(&code));
    if !replies.iter().all(is_expected) || !matches!(error_code(&write), None | Some(READ_ONLY)) {
        return None;
    }
    let [stream, groups, rows, info] = <[Value; 4]>::try_from(read.into_sequence().ok()?).ok()?;
    let (entries_added, last_id) = position(stream)?;
    let info: String = parse(info)?;
    let line = |name: &str| {
        let values = info.lines().filter_map(|line| line.split_once(':'));
        let mut values = values.filter(|(other, _)| *other == name);
        values.next().map(|(_, value)| value.to_owned())
    };
    Some(StreamResponse {
        entries_added,
        last_id,
        epoch: epoch(groups)?,
        rows: rows_of(rows)?,
        run_id: line("run_id")?,
        replication_id: line("master_replid")?,
        is_primary: line("role")? == "master" && error_code(&write).is_none(),
    })
}

/// Returns `entries-added` and the ID of the last row.
fn position(info: Value) -> Option<(u64, StreamId)> {
    if is_absent(&info) {
        return Some((0, StreamId::ZERO));
    }
    let mut info: HashMap<String, Value> = parse(info)?;
    let added = parse(info.remove("entries-added")?)?;
    Some((added, id(info.remove("last-generated-id")?)?))
}

/// Returns the epoch, if there is one.
fn epoch(groups: Value) -> Option<Option<StreamId>> {
    if is_absent(&groups) {
        return Some(None);
    }
    for group in groups.into_sequence().ok()? {
        let mut group: HashMap<String, Value> = parse(group)?;
        if parse::<String>(group.remove("name")?)? == EPOCH_GROUP {
            return id(group.remove("last-delivered-id")?).map(Some);
        }
    }
    Some(None)
}

/// Returns whether the stream doesn't exist.
fn is_absent(reply: &Value) -> bool {
    match reply {
        Value::ServerError(error) => {
            error.code() == "ERR" && error.details() == Some("no such key")
        }
        _ => false,
    }
}

fn error_code(reply: &Value) -> Option<&str> {
    match reply {
        Value::ServerError(error) => Some(error.code()),
        _ => None,
    }
}

fn rows_of(rows: Value) -> Option<Vec<StreamRow>> {
    let rows = rows.into_sequence().ok()?.into_iter();
    rows.map(row).collect()
}

fn row(row: Value) -> Option<StreamRow> {
    let [row_id, fields] = <[Value; 2]>::try_from(row.into_sequence().ok()?).ok()?;
    let mut values: Vec<Vec<u8>> = Vec::new();
    for value in fields.into_sequence().ok()? {
        values.push(parse(value)?);
    }
    let (pairs, rest) = values.as_chunks::<2>();
    let fields = pairs.iter().cloned().map(|[name, value]| (name, value));
    rest.is_empty().then_some(StreamRow {
        id: id(row_id)?,
        fields: fields.collect(),
    })
}

fn id(value: Value) -> Option<StreamId> {
    StreamId::from_str(&parse::<String>(value)?).ok()
}

fn parse<T: redis::FromRedisValue>(value: Value) -> Option<T> {
    redis::from_redis_value(value).ok()
}

/// The error of a replica server.
const READ_ONLY: &str = "READONLY";

/// The errors of the command that creates the epoch which are expected.
const EXPECTED: [&str; 2] = ["BUSYGROUP", READ_ONLY];

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn error(code: &str, details: &str) -> Value {
        let mut error = Vec::from(b"-");
        error.extend([code, " ", details, "\r\n"].concat().bytes());
        redis::parse_redis_value(&error).unwrap()
    }

    /// The parts of the response to `EXEC`.
    fn valid() -> Vec<Value> {
        let info = [
            bulk("entries-added"),
            Value::Int(7),
            bulk("last-generated-id"),
            bulk("5-1"),
        ];
        let group = |name| ["name", name, "last-delivered-id", "8-9"].map(bulk);
        let groups = ["another", "epoch"].map(|name| Value::Array(group(name).into()));
        let fields = ["jti", "a", "until", "0"].map(bulk);
        let row = [bulk("5-1"), Value::Array(fields.into())];
        vec![
            Value::Array(info.into()),
            Value::Array(groups.into()),
            Value::Array(vec![Value::Array(row.into())]),
            bulk("run_id:r\r\n\r\nrole:master\r\nmaster_replid:m\r\nmaster_replid2:n\r\n"),
        ]
    }

    fn respond(first: Value, read: Vec<Value>, write: Value) -> Option<StreamResponse> {
        response(vec![first, Value::Array(read), write])
    }

    #[test]
    fn responses_are_parsed() {
        let row = StreamRow::new(StreamId::new(5, 1), &RevocationEntry::token("a", None));
        let expected = StreamResponse {
            entries_added: 7,
            last_id: StreamId::new(5, 1),
            epoch: Some(StreamId::new(8, 9)),
            rows: vec![row],
            run_id: "r".into(),
            replication_id: "m".into(),
            is_primary: true,
        };
        let busy = error("BUSYGROUP", "Consumer Group name already exists");
        for first in [Value::Okay, busy] {
            assert_eq!(
                respond(first, valid(), Value::Int(0)).as_ref(),
                Some(&expected)
            );
        }
        let read_only = error("READONLY", "You can't write against a read only replica.");
        let response = respond(Value::Okay, valid(), read_only).unwrap();
        assert!(!response.is_primary);
        let mut absent = valid();
        (absent[0], absent[1]) = (error("ERR", "no such key"), error("ERR", "no such key"));
        let response = respond(Value::Okay, absent, Value::Int(0)).unwrap();
        let position = (response.entries_added, response.last_id, response.epoch);
        assert_eq!(position, (0, StreamId::ZERO, None));
    }

    #[test]
    fn other_responses_are_rejected() {
        let respond = |read| respond(Value::Okay, read, Value::Int(0));
        for index in 0..4 {
            let mut values = valid();
            values.remove(index);
            assert_eq!(respond(values), None);
            for other in [Value::Int(1), error("ERR", "unknown")] {
                let mut values = valid();
                values[index] = other;
                assert_eq!(respond(values), None, "{index}");
            }
        }
        let mut values = valid();
        let field = Value::Array(vec![bulk("jti")]);
        values[2] = Value::Array(vec![Value::Array(vec![bulk("5-1"), field])]);
        assert_eq!(respond(values), None);
    }

    #[test]
    fn errors_of_other_commands_are_rejected() {
        let denied = || error("NOPERM", "this user has no permissions");
        assert_eq!(respond(denied(), valid(), Value::Int(0)), None);
        assert_eq!(respond(Value::Okay, valid(), denied()), None);
        let aborted = error("EXECABORT", "Transaction discarded");
        assert_eq!(response(vec![Value::Okay, aborted, Value::Int(0)]), None);
        assert_eq!(response(Vec::new()), None);
    }
}
