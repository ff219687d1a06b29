//! How each kind of server is started.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::server::{Place, Server};
use super::{Kind, installed};
use crate::demo::free_port;
use crate::process;

pub(super) const KINDS: [Kind; 3] = [
    Kind {
        name: "Redis",
        variable: "BOLTGUARD_TEST_REDIS_URL",
        programs: &["redis-server", "valkey-server"],
        packaged: Some("valkey-server"),
        start: redis,
    },
    Kind {
        name: "PostgreSQL",
        variable: "BOLTGUARD_TEST_POSTGRES_URL",
        programs: &["postgres"],
        packaged: Some("pginstall18/bin/postgres"),
        start: postgres,
    },
    Kind {
        name: "MariaDB",
        variable: "BOLTGUARD_TEST_MARIADB_URL",
        programs: &["mariadbd", "mysqld"],
        packaged: None,
        start: mariadb,
    },
];

fn redis(program: &Path) -> Result<Server> {
    let port = free_port()?;
    let line = format!("--port {port} --bind 127.0.0.1 --appendonly no --save");
    let args: Vec<&str> = line.split(' ').chain([""]).collect();
    let url = format!("redis://127.0.0.1:{port}/0");
    Place::new()?.start(program, &args, "Ready to accept connections", url)
}

fn postgres(program: &Path) -> Result<Server> {
    let place = Place::unprivileged()?;
    let mut initdb = place.command(program.with_file_name("initdb"));
    let options = "-D data -A trust -U boltguard -E UTF8 --locale=C --no-sync";
    process::finish(initdb.args(options.split(' ')))?;
    let port = free_port()?;
    let line = format!("-D data -h 127.0.0.1 -p {port} -F -k");
    let args: Vec<&str> = line.split(' ').chain([""]).collect();
    let url = format!("postgres://boltguard@127.0.0.1:{port}/postgres");
    place.start(program, &args, "ready to accept connections", url)
}

/// MariaDB, or MySQL, whose server creates its files itself.
fn mariadb(program: &Path) -> Result<Server> {
    let place = Place::unprivileged()?;
    let (installer, options) = match installed(&["mariadb-install-db", "mysql_install_db"]) {
        Some(script) => (script, "--auth-root-authentication-method=normal"),
        None => (program.to_owned(), "--initialize-insecure"),
    };
    let data = format!("--datadir={}", place.path().join("data").display());
    let mut install = place.command(installer);
    process::finish(install.args(["--no-defaults", &data, options]))?;
    let sql = place.path().join("init.sql");
    fs::write(&sql, "CREATE DATABASE boltguard CHARACTER SET utf8mb4;\n")?;
    let port = free_port()?;
    let args = [
        "--no-defaults",
        &data,
        &format!("--port={port}"),
        &format!("--init-file={}", sql.display()),
        "--bind-address=127.0.0.1",
        "--socket=socket",
        "--pid-file=pid",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
    ];
    let url = format!("mysql://root@127.0.0.1:{port}/boltguard");
    place.start(program, &args, ": ready for connections", url)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Whether the client of the server's project can use it; `None` if there is no client.
    fn is_usable(server: &Server) -> Option<bool> {
        let url = server.url.as_str();
        let (client, args) = match url.split_once("://")? {
            ("redis", _) => ("redis-cli", vec!["-u", url, "PING"]),
            ("postgres", _) => ("psql", vec![url, "-c", "CREATE DATABASE other"]),
            (_, rest) => {
                let port = rest.split([':', '/']).nth(1)?;
                let sql = "CREATE TABLE boltguard.t (c TEXT)";
                (
                    "mariadb",
                    vec!["-h127.0.0.1", "-uroot", "-P", port, "-e", sql],
                )
            }
        };
        let client = process::on_path(client)?;
        Some(process::succeeds(process::command(client).args(args)))
    }

    #[test]
    fn each_server_of_the_machine_is_usable_once_it_is_started() {
        for kind in &KINDS {
            let Some(program) = installed(kind.programs) else {
                continue;
            };
            let server = (kind.start)(&program).unwrap();
            assert_ne!(is_usable(&server), Some(false), "{}", server.url);
        }
    }
}
