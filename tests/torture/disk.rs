//! A full disk, one that somebody else fills at the same time, one that can't be written to, and a journal that is none:
//! nothing is sent that couldn't be kept, the old token is served meanwhile, and all goes on as soon as there is room.

use crate::fleet::{Asked, Fleet, alone};
use crate::measure::{say, so_much};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const ROW: &str = "disk";
const ACCOUNTS: usize = 3;

/// Tells a row that it runs in namespaces of its own.
const INSIDE: &str = "KEYBEARER_TORTURE_INSIDE";

/// Does this where mounting is nobody else's business: in the same test once more, in namespaces of its own. The agent,
/// the keyring and all callers are in there together.
fn apart(test: &str, row: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return row();
    }
    let _alone = alone();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-current-user", "--keep-caps", "--mount", "--"]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let done = command.status().expect("unshare comes with every Linux");
    assert!(done.success(), "this row failed, or this system lets nobody have namespaces of their own: see above");
}

/// A small disk in the place of the state folder.
struct SmallDisk {
    state: PathBuf,
}

impl SmallDisk {
    /// Puts it there, with what the folder held.
    fn under(fleet: &Fleet) -> SmallDisk {
        fleet.world.ok(&["agent", "stop"]).unwrap();
        let disk = SmallDisk { state: fleet.world.home.join("state") };
        let held = fleet.world.home.join("state.before");
        does(Command::new("cp").arg("-a").arg(&disk.state).arg(&held));
        does(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"]).arg(&disk.state));
        fs::remove_file(held.join("agent.log")).unwrap();
        does(Command::new("cp").arg("-a").arg(held.join(".")).arg(&disk.state));
        disk
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        fill(&self.state.join("filler"));
    }

    fn make_room(&self) {
        fs::remove_file(self.state.join("filler")).unwrap();
    }

    fn journal(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// The folder of the journal can be read and no more. The rest can't become like that while the agent writes its log.
    fn protect(&self) {
        does(Command::new("mount").arg("--bind").args([self.journal(), self.journal()]));
        does(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(self.journal()));
    }

    fn unprotect(&self) {
        does(Command::new("umount").arg(self.journal()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The log of the agent and of whoever looks for it lies there until the end.
        let _ = Command::new("umount").arg("--lazy").arg(&self.state).status();
    }
}

fn does(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// Writes until there is no more room.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
}

#[test]
fn without_room_for_an_answer_nothing_is_sent_and_the_old_token_is_served() {
    apart("disk::without_room_for_an_answer_nothing_is_sent_and_the_old_token_is_served", no_room);
}

#[test]
fn somebody_who_fills_the_disk_at_the_same_time_costs_no_account() {
    apart("disk::somebody_who_fills_the_disk_at_the_same_time_costs_no_account", race);
}

fn no_room() {
    let fleet = Fleet::new(ACCOUNTS, &[]).unwrap();
    let disk = SmallDisk::under(&fleet);
    let agent = fleet.world.json(&["status"]).unwrap()["pid"].clone();
    goes_on(&fleet);

    disk.fill();
    refuses(&fleet, "storage_full", 24);
    disk.make_room();
    goes_on(&fleet);

    disk.protect();
    refuses(&fleet, "storage_unavailable", 23);
    disk.unprotect();
    goes_on(&fleet);

    let (journal, aside) = (disk.journal(), disk.state.join("aside"));
    fs::rename(&journal, &aside).unwrap();
    fs::File::create(&journal).unwrap();
    refuses(&fleet, "storage_unavailable", 23);
    fs::remove_file(&journal).unwrap();
    fs::rename(&aside, &journal).unwrap();
    goes_on(&fleet);

    assert_eq!(fleet.world.json(&["status"]).unwrap()["pid"], agent, "another agent was needed");
    fleet.check(&[]).unwrap();
    fleet.world.ok(&["agent", "stop"]).unwrap();
}

fn race() {
    let fleet = Fleet::new(ACCOUNTS, &[]).unwrap();
    let disk = SmallDisk::under(&fleet);
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Somebody takes what there is, lets go of it, and takes it again.
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                disk.fill();
                disk.make_room();
            }
        });
        let mut wire = fleet.connect().unwrap();
        let all: Vec<Asked> =
            (0..so_much(60, 3_000)).map(|turn| fleet.ask(&mut wire, turn % ACCOUNTS, true).unwrap()).collect();
        over.store(true, Ordering::SeqCst);
        for asked in all {
            let word = match asked {
                Asked::Good(_) => "renewed".to_owned(),
                Asked::Failed(code, _) if code == "storage_full" => code,
                Asked::Failed(..) | Asked::Dead(_) | Asked::NeedsSignIn(_) => panic!("{asked:?}"),
            };
            *told.entry(word).or_default() += 1;
        }
    });
    say(ROW, "refreshes in a race for the last pages", format!("{told:?}"));
    fleet.check(&[]).unwrap();
    fleet.world.ok(&["agent", "stop"]).unwrap();
}

/// Every account is renewed.
fn goes_on(fleet: &Fleet) {
    let mut wire = fleet.connect().unwrap();
    for account in 0..ACCOUNTS {
        let asked = fleet.ask(&mut wire, account, true).unwrap();
        assert!(matches!(asked, Asked::Good(_)), "{asked:?}");
    }
}

/// No account is renewed, the server isn't asked, each has its old token, and this is said.
fn refuses(fleet: &Fleet, code: &str, exit: i32) {
    let before = fleet.practice.count("refreshes").unwrap();
    let mut wire = fleet.connect().unwrap();
    for account in 0..ACCOUNTS {
        let renewed = fleet.ask(&mut wire, account, true).unwrap();
        assert!(matches!(&renewed, Asked::Failed(found, _) if found == code), "{code}: {renewed:?}");
        let kept = fleet.ask(&mut wire, account, false).unwrap();
        assert!(matches!(kept, Asked::Good(_)), "{code}: {kept:?}");
    }
    let run = fleet.world.run(&["token", &fleet.names[0], "--force"]).unwrap();
    assert_eq!((run.code, run.out.as_str()), (exit, ""), "{}", run.err);
    assert_eq!(fleet.states().unwrap(), ["connected"; ACCOUNTS]);
    assert_eq!(fleet.practice.count("refreshes").unwrap(), before, "{code}: something was sent all the same");
    say(ROW, code, run.err.trim());
}
