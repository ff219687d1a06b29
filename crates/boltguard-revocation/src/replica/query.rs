//! A query of the stream, and what the server responds.

use super::stream::{StreamId, StreamRow};

/// A query that reads the new rows of the stream, and proves that none are missing.
///
/// Its [`commands`](Self::commands) are sent on one connection, in this order. Their responses are, from the last:
///
/// - That of `XTRIM`, a command that changes nothing. Only a primary accepts it.
/// - That of `EXEC`: those of `XINFO STREAM`, `XINFO GROUPS`, `XRANGE` and `INFO`. The first two are the error
///   `ERR no such key` if the stream doesn't exist.
/// - Others, which are ignored.
///
/// Any other error is a failed query, except `BUSYGROUP`, which means that another process has set the epoch, and
/// `READONLY` of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamQuery {
    /// The number with which the response or the error is reported.
    pub number: u64,
    /// The position after which rows are read.
    pub after: StreamId,
    /// The maximum number of rows.
    pub limit: usize,
    /// A random epoch, if the stream doesn't have one.
    pub new_epoch: Option<StreamId>,
}

impl StreamQuery {
    /// Returns the commands for the stream with this key, each with its arguments.
    #[must_use]
    pub fn commands(&self, stream: &str) -> Vec<Vec<String>> {
        let (start, limit) = (format!("({}", self.after), self.limit.to_string());
        let read: [&[&str]; 7] = [
            &["MULTI"],
            &["XINFO", "STREAM", stream],
            &["XINFO", "GROUPS", stream],
            &["XRANGE", stream, &start, "+", "COUNT", &limit],
            &["INFO", "server", "replication"],
            &["EXEC"],
            // Like `XADD`, it is rejected by a replica, and by a primary without enough replicas.
            &["XTRIM", stream, "MINID", "0-0"],
        ];
        let mut commands: Vec<Vec<String>> = read.into_iter().map(command).collect();
        if let Some(epoch) = self.new_epoch {
            let epoch = epoch.to_string();
            let create = ["XGROUP", "CREATE", stream, EPOCH_GROUP, &epoch, "MKSTREAM"];
            commands.insert(0, command(&create));
        }
        commands
    }
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(String::from).collect()
}

/// The name of the consumer group whose position is the epoch of the stream.
///
/// It has no consumers. Unlike another key, it is removed with the stream, and unlike a row, it isn't trimmed.
pub const EPOCH_GROUP: &str = "epoch";

/// The response of the server to a [`StreamQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamResponse {
    /// `entries-added` in the response to `XINFO STREAM`: how many entries have ever been added. Zero if the stream
    /// doesn't exist.
    pub entries_added: u64,
    /// `last-generated-id` in the same response. [`StreamId::ZERO`] if the stream doesn't exist.
    pub last_id: StreamId,
    /// `last-delivered-id` of the group [`EPOCH_GROUP`] in the response to `XINFO GROUPS`. `None` if the group or the
    /// stream doesn't exist.
    pub epoch: Option<StreamId>,
    /// The response to `XRANGE`.
    pub rows: Vec<StreamRow>,
    /// `run_id` in the response to `INFO`, which changes when the server is restarted.
    pub run_id: String,
    /// `master_replid` in the same response, which changes when a server becomes a primary.
    pub replication_id: String,
    /// Whether `role` in the same response is `master`, and `XTRIM` wasn't rejected with `READONLY`.
    pub is_primary: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_is_created_only_if_there_is_none() {
        let mut query = StreamQuery {
            number: 1,
            after: StreamId::new(5, 6),
            limit: 7,
            new_epoch: None,
        };
        let commands = query.commands("s");
        assert_eq!(commands[0], ["MULTI"]);
        assert_eq!(commands[3], ["XRANGE", "s", "(5-6", "+", "COUNT", "7"]);
        query.new_epoch = Some(StreamId::new(8, 9));
        let created = query.commands("s");
        let create = ["XGROUP", "CREATE", "s", "epoch", "8-9", "MKSTREAM"];
        assert_eq!(created[0], create);
        assert_eq!(created[1..], commands);
    }
}
