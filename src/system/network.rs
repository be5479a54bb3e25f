//! File systems on which neither a lock nor what was synced can be relied on.

use std::io;
use std::path::Path;

use nix::sys::statfs::statfs;

/// Their numbers in the low 32 bits of `f_type`
/// ([statfs(2)](https://man7.org/linux/man-pages/man2/statfs.2.html), `linux/magic.h`, and
/// `LL_SUPER_MAGIC` of Lustre).
///
/// What is a server elsewhere can be gone while a process here holds its lock, and may keep locks on
/// each machine apart. FUSE, which virtiofs is too, is whatever its program makes of it.
const KINDS: [(u32, &str); 12] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x786f_4256, "VirtualBox"),
];

/// Returns what is wrong with the file system of `path`: that it is one of a network, and which.
///
/// One system call where nothing is.
///
/// # Errors
/// As `statfs`; a path that is not there is one.
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
    let number = statfs(path)?.filesystem_type().0 & 0xffff_ffff;
    let known = KINDS.iter().find(|(known, _)| u32::try_from(number) == Ok(*known));
    Ok(known.map(|(_, kind)| {
        let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mount = mount_of(&table, &path).unwrap_or_default();
        format!(
            "it is on a network file system, {kind}{mount}: locks, and what was written out, cannot \
             be relied on there"
        )
    }))
}

/// Returns where a path is mounted, in words
/// ([proc_pid_mountinfo(5)](https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html)).
fn mount_of(table: &str, path: &Path) -> Option<String> {
    let mounts = table.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let (point, mut words) = (plain(before.split(' ').nth(4)?), after.split(' '));
        let (kind, source) = (words.next()?, plain(words.next()?));
        path.starts_with(&point).then_some((point, kind, source))
    });
    // Of two at one place the later one lies above.
    let (point, kind, source) = mounts.max_by_key(|(point, ..)| point.len())?;
    Some(format!(" ({kind} of {source}, mounted at {point})"))
}

/// Takes back how the table writes what would end a word.
fn plain(word: &str) -> String {
    word.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
        40 22 0:41 / /srv rw,relatime shared:1 - nfs4 nas:/a\\040b rw,vers=4.2\n\
        41 40 254:1 / /srv/local rw - xfs /dev/vdb rw\n\
        42 22 0:42 / /srvother rw - cifs //nas/x rw\n";

    #[test]
    fn a_mount_is_named_with_what_is_mounted() {
        for (path, expected) in [
            ("/srv/p/state", " (nfs4 of nas:/a b, mounted at /srv)"),
            ("/srv/local/state", " (xfs of /dev/vdb, mounted at /srv/local)"),
            ("/opt", " (ext4 of /dev/vda, mounted at /)"),
        ] {
            assert_eq!(mount_of(TABLE, Path::new(path)).as_deref(), Some(expected));
        }
        assert_eq!(mount_of("", Path::new("/opt")), None);
    }

    #[test]
    fn a_folder_of_this_machine_is_none_of_a_network() {
        assert_eq!(network_file_system(Path::new("/proc")).unwrap(), None);
        assert!(network_file_system(Path::new("/nonexistent")).is_err());
    }
}
