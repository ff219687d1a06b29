//! Who a server runs as: ourselves, or for root somebody with fewer rights.

pub(super) use imp::User;

#[cfg(unix)]
mod imp {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, chown};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use anyhow::{Context, Result};

    /// The user id and the group id of another user; `None` for ourselves.
    pub(crate) struct User(Option<(u32, u32)>);

    impl User {
        /// For root, the first of these users that the machine has.
        pub(crate) fn for_server(names: &[&str]) -> Self {
            let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
            let passwd = if is_root {
                fs::read_to_string("/etc/passwd").unwrap_or_default()
            } else {
                String::new()
            };
            Self(names.iter().find_map(|name| ids_of(name, &passwd)))
        }

        /// Gives the directory to this user.
        pub(crate) fn own(&self, directory: &Path) -> Result<()> {
            let Some((uid, gid)) = self.0 else {
                return Ok(());
            };
            chown(directory, Some(uid), Some(gid))
                .context(format!("give {} to the server's user", directory.display()))
        }

        /// Makes the program run as this user.
        pub(crate) fn dress(&self, command: &mut Command) {
            if let Some((uid, gid)) = self.0 {
                command.uid(uid).gid(gid);
            }
        }
    }

    fn ids_of(name: &str, passwd: &str) -> Option<(u32, u32)> {
        let mut fields = passwd
            .lines()
            .find(|line| line.split(':').next() == Some(name))?
            .split(':')
            .skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    }

    #[cfg(test)]
    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody2:x:1:2::/:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(ids_of("nobody", passwd), Some((65534, 65533)));
        assert_eq!(ids_of("postgres", passwd), None);
    }
}

#[cfg(not(unix))]
mod imp {
    use std::path::Path;
    use std::process::Command;

    use anyhow::Result;

    pub(crate) struct User;

    impl User {
        pub(crate) fn for_server(_names: &[&str]) -> Self {
            Self
        }

        pub(crate) fn own(&self, _directory: &Path) -> Result<()> {
            Ok(())
        }

        pub(crate) fn dress(&self, _command: &mut Command) {}
    }
}
