//! A small disk, and what each sink has to do when the one that it writes to is full.

use std::path::Path;
use std::process::Command;

use super::{Fixture, RECORDS, group};

/// A file system of a few megabytes in memory.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// None where it can't be mounted, which is said. That isn't a failure, not even where every
    /// service has to be there: it is a right that a machine gives or doesn't, not something to install.
    pub fn mount(mebibytes: u32) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m,mode=1777");
        let arguments = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let mounted = privileged("mount", &arguments, folder.path());
        if !mounted {
            eprintln!(
                "SKIPPED: a small disk can't be mounted here; be root, or let sudo ask for nothing"
            );
        }
        mounted.then_some(SmallDisk(folder))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `ro` or `rw`.
    pub fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        assert!(privileged("mount", &["-o", &options], self.path()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        privileged("umount", &["-l"], self.path());
    }
}

/// As who runs the tests, else as root, where that needs no password.
fn privileged(program: &str, arguments: &[&str], path: &Path) -> bool {
    let worked = |command: &mut Command| {
        let output = command.args(arguments).arg(path).output();
        output.is_ok_and(|output| output.status.success())
    };
    worked(&mut Command::new(program)) || worked(Command::new("sudo").args(["-n", program]))
}

/// Takes all the room that there is left.
pub fn fill(ballast: &Path) {
    let written = std::fs::write(ballast, vec![1; 256 << 20]);
    assert!(written.is_err(), "the disk isn't full");
}

/// Sends everything, on a disk that is full at first: each step again until it holds, as delivery does.
/// What fails has to be worth that and to say what to do; after three failures there is room.
pub async fn waited_for(fixture: &mut Fixture, ballast: &Path, said: &str) {
    let mut failures = 0;
    let mut failed = |error: wellhead::sink::SendError| {
        assert!(error.retry && error.message.contains(said), "{error}");
        failures += 1;
        if failures == 3 {
            std::fs::remove_file(ballast).unwrap();
        }
        assert!(failures < 50, "there is room, and it fails: {error}");
    };
    for step in 0..8 {
        let whole = group(&[step * RECORDS / 8; 3], (step + 1) * RECORDS / 8);
        loop {
            let outcome = match fixture.sink.write(&whole).await {
                Ok(()) => fixture.sink.commit().await.map(drop),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => break,
                Err(error) => failed(error),
            }
        }
    }
    while let Err(error) = fixture.sink.close(true).await {
        failed(error);
    }
    assert!(failures >= 3, "the disk was never full");
    assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
}
