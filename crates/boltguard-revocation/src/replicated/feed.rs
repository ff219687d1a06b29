//! The commands to the server with the stream.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use redis::{Pipeline, ServerError, Value};

use crate::RevocationError;
use crate::redis::Pool;
use crate::replica::{RevocationEntry, StreamId, StreamQuery, StreamResponse, StreamRow};

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
        commands.cmd("XINFO").arg("STREAM").arg(self.stream());
        let range = commands.cmd("XRANGE").arg(self.stream());
        range
            .arg(query.start())
            .arg("+")
            .arg("COUNT")
            .arg(query.limit);
        let set = commands.cmd("SET").arg([&*self.prefix, "epoch"].concat());
        set.arg(&query.new_epoch).arg("NX").arg("GET");
        commands
            .cmd("INFO")
            .arg("server")
            .arg("replication")
            .cmd("ROLE");
        let values: Vec<Value> = self.run(commands.ignore_errors())?;
        response(values).ok_or(RevocationError::Unavailable)
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
fn response(values: Vec<Value>) -> Option<StreamResponse> {
    let [stream, rows, epoch, info, role] = <[Value; 5]>::try_from(values).ok()?;
    let (entries_added, last_id) = position(stream)?;
    let (epoch, role) = match (epoch, role) {
        (Value::ServerError(error), role) if is_read_only(&error) => (None, role),
        (epoch, role) => (parse(epoch)?, role),
    };
    let info: String = parse(info)?;
    let line = |name: &str| {
        let values = info.lines().filter_map(|line| line.split_once(':'));
        let mut values = values.filter(|(other, _)| *other == name);
        values.next().map(|(_, value)| value.to_owned())
    };
    Some(StreamResponse {
        entries_added,
        last_id,
        rows: rows_of(rows)?,
        epoch,
        run_id: line("run_id")?,
        replication_id: line("master_replid")?,
        role: parse(role.into_sequence().ok()?.into_iter().next()?)?,
    })
}

/// Returns `entries-added` and the ID of the last row.
fn position(info: Value) -> Option<(u64, StreamId)> {
    if let Value::ServerError(error) = &info {
        let is_absent = error.code() == "ERR" && error.details() == Some("no such key");
        return is_absent.then_some((0, StreamId::ZERO));
    }
    let mut info: HashMap<String, Value> = parse(info)?;
    let added = parse(info.remove("entries-added")?)?;
    Some((added, id(info.remove("last-generated-id")?)?))
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

/// A replica server rejects the command that sets the epoch.
fn is_read_only(error: &ServerError) -> bool {
    error.code() == "READONLY"
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn valid() -> Vec<Value> {
        let info = [
            bulk("entries-added"),
            Value::Int(7),
            bulk("last-generated-id"),
            bulk("5-1"),
        ];
        let fields = ["jti", "a", "until", "0"].map(bulk);
        let row = [bulk("5-1"), Value::Array(fields.into())];
        vec![
            Value::Array(info.into()),
            Value::Array(vec![Value::Array(row.into())]),
            bulk("e"),
            bulk("# Server\r\nrun_id:r\r\n\r\nmaster_replid:m\r\nmaster_replid2:n\r\n"),
            Value::Array(vec![bulk("master"), Value::Int(0)]),
        ]
    }

    #[test]
    fn responses_are_parsed() {
        let row = StreamRow::new(StreamId::new(5, 1), &RevocationEntry::token("a", None));
        let expected = StreamResponse {
            entries_added: 7,
            last_id: StreamId::new(5, 1),
            rows: vec![row],
            epoch: Some("e".into()),
            run_id: "r".into(),
            replication_id: "m".into(),
            role: "master".into(),
        };
        assert_eq!(response(valid()), Some(expected));
    }

    #[test]
    fn other_responses_are_rejected() {
        for index in 0..5 {
            let mut values = valid();
            values.remove(index);
            assert_eq!(response(values), None);
            let mut values = valid();
            values[index] = Value::Int(1);
            assert_eq!(response(values).is_some(), index == 2, "{index}");
        }
        let mut values = valid();
        let field = Value::Array(vec![bulk("jti")]);
        values[1] = Value::Array(vec![Value::Array(vec![bulk("5-1"), field])]);
        assert_eq!(response(values), None);
    }
}
