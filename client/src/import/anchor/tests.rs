//! An import that fails at any of its submissions, before the ledger has it or after, is finished
//! by running it again.

use super::*;
use crate::client::Client;
use crate::devnet::{DevLedger, genesis};
use crate::home::Home;
use crate::organisation::Organisation;
use crate::testing::{Failing, Fails, STOPPED};
use crate::vault::Vault;
use crate::wallet::Wallet;
use amanat_domain::bundle::Registry;
use amanat_domain::time::Timestamp;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Place {
    dir: tempfile::TempDir,
    ledger: DevLedger,
}

/// The ledger in a home directory.
fn open(home: &Home) -> DevLedger {
    let genesis = home.genesis().expect("readable").expect("a genesis");
    DevLedger::open(&home.ledger_path(), genesis).expect("a ledger")
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut rng = rand::rng();
        let organisations = [("Organization/a", "Hospital A"), ("Organization/board", "Board")]
            .map(|(reference, name)| Organisation::new(reference, name, &mut rng));
        let start = Timestamp::from_unix(1_700_000_000).expect("a time");
        let genesis = genesis("test", start, 60, &organisations).expect("a genesis");
        let home = home(dir.path());
        home.initialise(&organisations, &genesis).expect("written");
        Self { ledger: open(&home), dir }
    }

    /// An import in a process that is killed where it stops.
    fn import_and_kill(self, folder: &Path, stops: &str) -> Self {
        let Self { dir, ledger } = self;
        // The child opens the ledger.
        drop(ledger);
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["--exact", "import::anchor::tests::a_process_that_is_killed", "--ignored", "--nocapture"])
            .env(CHILD, [dir.path().as_os_str(), folder.as_os_str()].join("|".as_ref()))
            .env(STOPS, stops)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let stopped = lines.any(|line| line.is_ok_and(|line| line.contains(STOPPED)));
        assert!(stopped, "the child ended by itself: {stops}");
        child.kill().expect("killed");
        child.wait().expect("its end");
        Self { ledger: open(&home(dir.path())), dir }
    }

    /// One import; how many transactions it submitted.
    fn import(&self, folder: &Path, fails: Fails) -> (Result<Imported, ImportError>, usize) {
        import(home(self.dir.path()), &self.ledger, folder, fails)
    }

    /// Subjects, records, superseded records on the ledger; people, records, acknowledged records,
    /// outbox of the vault.
    fn state(&self) -> [usize; 7] {
        self.ledger.next_epoch().expect("a bundle");
        let bundle = self.ledger.solo().latest_bundle().bundle;
        let count = |registry: Registry| usize::try_from(bundle.registry(registry).count).expect("a count");
        let chain = self.ledger.solo().status().chain;
        let vault = Vault::open(&home(self.dir.path()), chain).expect("a vault");
        let (mut records, mut acknowledged) = (0, 0);
        vault
            .each_record(|record| {
                records += 1;
                acknowledged += usize::from(record.anchoring != Anchoring::Pending);
                true
            })
            .expect("records");
        [
            count(Registry::Subjects),
            count(Registry::Records),
            // Its tree begins with a leaf that is no revocation.
            count(Registry::Revocations) - 1,
            vault.known().expect("people").len(),
            records,
            acknowledged,
            vault.outbox().expect("an outbox").len(),
        ]
    }
}

fn import(
    home: Home,
    ledger: &DevLedger,
    folder: &Path,
    fails: Fails,
) -> (Result<Imported, ImportError>, usize) {
    let submitted = Arc::new(AtomicUsize::new(0));
    let failing = Failing { inner: ledger.access(), fails, submitted: Arc::clone(&submitted) };
    let client = Client::over(home, Arc::new(failing), ledger.clock()).expect("a client");
    let request = ImportRequest::of(&[folder.to_path_buf()]).expect("files");
    let done = client.import(request);
    (done, submitted.load(Ordering::Relaxed))
}

fn home(dir: &Path) -> Home {
    Home::open(Some(dir)).expect("a home")
}

/// More records than one transaction takes, of three people; and, as version 2, one of them
/// corrected and one taken back.
fn write(folder: &Path, version: u32) {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut lines = String::new();
    for patient in 0..3 {
        lines.push_str(&format!("{{\"resourceType\":\"Patient\",\"id\":\"p{patient}\"}}\n"));
        for n in 0..400 {
            let (value, status) = match (version, n) {
                (2, 7) => (9, "corrected"),
                (2, 8) => (n, "entered-in-error"),
                (3.., 7) => (9 + version, "corrected"),
                _ => (n, "final"),
            };
            lines.push_str(&format!(
                "{{\"resourceType\":\"Observation\",\"id\":\"o{patient}-{n}\",\"meta\":{{\"versionId\":\"{version}\"}},\
                 \"status\":\"{status}\",\"subject\":{{\"reference\":\"Patient/p{patient}\"}},\
                 \"code\":{{\"coding\":[{{\"system\":\"http://loinc.org\",\"code\":\"718-7\"}}]}},\
                 \"effectiveDateTime\":\"2024-01-01T10:00:00Z\",\"valueQuantity\":{{\"value\":{value}}}}}\n"
            ));
        }
    }
    std::fs::write(folder.join("x.ndjson"), lines).expect("a file");
}

#[test]
fn what_the_ledger_refuses_is_not_kept_and_stops_no_other_import() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    // The enrolment comes first, then two anchorings; the second version is one.
    for refused in [1, 2] {
        let place = Place::new();
        write(&folder, 1);
        let (done, _) = place.import(&folder, Fails::Refuses(refused));
        let words = done.err().expect("refused").to_string();
        assert!(words.contains("nothing of them is kept"), "{words}");
        let [.., records, acknowledged, outbox] = place.state();
        assert!(records == acknowledged && outbox == 0, "{records} {acknowledged} {outbox}");
        assert!(place.import(&folder, Fails::Never).0.is_ok(), "another try");
        assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);
        write(&folder, 2);
        assert!(place.import(&folder, Fails::Refuses(0)).0.is_err(), "refused");
        assert_eq!(
            place.state(),
            [3, 1_203, 0, 3, 1_203, 1_203, 0],
            "what was to be superseded is the latest"
        );
        assert!(place.import(&folder, Fails::Never).0.is_ok(), "another try");
        assert_eq!(place.state(), [3, 1_206, 6, 3, 1_206, 1_206, 0]);
    }
}

#[test]
fn an_enrolment_that_is_refused_for_good_stops_no_later_import() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    write(&folder, 1);
    let place = Place::new();
    let (done, _) = place.import(&folder, Fails::Refuses(0));
    let error = done.err().expect("refused");
    assert!(matches!(error, ImportError::NotEnrolled { patients: 3, .. }), "{error}");
    assert_eq!(place.state()[6], 0, "it does not wait to be refused again");
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "another try");
    assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);

    // An enrolment that an earlier import left, signed by a key that the ledger no longer takes.
    let place = Place::new();
    assert!(place.import(&folder, Fails::Before(0)).0.is_err(), "no ledger");
    assert_eq!(place.state()[6], 1, "it waits");
    assert!(place.import(&folder, Fails::BadSignature(0)).0.is_ok(), "signed again by the same import");
    assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);
}

#[test]
fn what_the_ledger_may_take_later_is_kept_and_submitted_again() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    write(&folder, 1);
    let place = Place::new();
    let (done, _) = place.import(&folder, Fails::BadSignature(1));
    let error = done.err().expect("refused");
    assert!(matches!(&error, ImportError::Outbox(refused) if refused.is_refused()), "{error}");
    assert!(place.state()[6] > 0, "it waits: a quorum may give the organisation this key");
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "taken");
    assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);

    // A key that the organisation no longer has here: nobody signs with it again.
    let place = Place::new();
    assert!(place.import(&folder, Fails::Before(1)).0.is_err(), "no ledger");
    let organisations = Organisation::load_all(&home(place.dir.path())).expect("organisations");
    let replaced: Vec<_> =
        organisations.iter().map(|o| Organisation::new(&o.reference, &o.name, &mut rand::rng())).collect();
    Organisation::save_all(&home(place.dir.path()), &replaced).expect("written");
    let (done, _) = place.import(&folder, Fails::BadSignature(0));
    assert!(matches!(done.err(), Some(ImportError::Refused { .. })), "for good");
    assert_eq!(place.state()[4..], [0, 0, 0], "nothing of it is kept, and nothing waits");
}

#[test]
fn a_refusal_of_what_the_ledger_has_undoes_nothing() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    write(&folder, 1);
    for at in 0..3 {
        let place = Place::new();
        let (done, _) = place.import(&folder, Fails::TakesAndRefuses(at));
        assert!(done.is_ok(), "its receipt is there: {at}");
        assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);
    }
}

/// Takes the note of how it is undone from the first transaction of the outbox; the note, and the
/// number of the transaction now.
fn without_note(vault: &Vault) -> (Undo, u32) {
    let (number, transaction, errand) = vault.first_waiting().expect("reads").expect("it waits");
    let Errand::Anchor { records, undo: Some(undo) } = errand else { panic!("with a note") };
    let change = vault.change().expect("a change");
    change.refused(number).expect("removed");
    change.send(&transaction, Errand::Anchor { records, undo: None }).expect("written");
    change.commit().expect("durable");
    let (number, ..) = vault.first_waiting().expect("reads").expect("it waits");
    (undo, number)
}

#[test]
fn a_change_that_an_earlier_version_left_without_a_note_is_undone_too() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    let place = Place::new();
    write(&folder, 1);
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "anchored");
    // Records that are corrected and taken back, then records that are new.
    write(&folder, 2);
    let as_version_2 = [3, 1_206, 6, 3, 1_206, 1_206, 0];
    assert!(place.import(&folder, Fails::Before(0)).0.is_err(), "no ledger");
    let chain = place.ledger.solo().status().chain;
    let vault = Vault::open(&home(place.dir.path()), chain).expect("a vault");
    without_note(&vault);
    drop(vault);
    let (done, _) = place.import(&folder, Fails::Refuses(0));
    assert!(matches!(done.err(), Some(ImportError::Refused { records: 3, .. })), "for good");
    assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0], "as before");
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "another try");
    assert_eq!(place.state(), as_version_2);
    let (once_more, submitted) = place.import(&folder, Fails::Never);
    assert!(once_more.is_ok() && submitted == 0, "nothing is left to do");

    // Resources that are new leave nothing behind.
    let place = Place::new();
    write(&folder, 1);
    assert!(place.import(&folder, Fails::Before(1)).0.is_err(), "no ledger");
    let vault = Vault::open(&home(place.dir.path()), place.ledger.solo().status().chain).expect("a vault");
    let (noted, number) = without_note(&vault);
    let rebuilt = vault.undo_without_note(number).expect("an undo");
    assert_eq!(noted.records, rebuilt.records);
    let names = |undo: &Undo| undo.resources.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&noted), names(&rebuilt));
    assert!(rebuilt.resources.iter().all(|(_, before)| before.is_none()), "as if never imported");
    assert!(rebuilt.superseded.is_empty() && rebuilt.replaced.is_empty());
}

#[test]
fn a_node_behind_the_receipts_of_the_vault_undoes_nothing() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    let place = Place::new();
    for version in [1, 2] {
        // The records of version 2 are acknowledged in epoch 1.
        write(&folder, version);
        assert!(place.import(&folder, Fails::Never).0.is_ok(), "anchored");
        place.state();
    }
    let before = place.state();
    write(&folder, 3);
    let (done, _) = place.import(&folder, Fails::RefusesBehind(0));
    let error = done.err().expect("refused");
    assert!(matches!(error, ImportError::Behind { known: 1, got: 0, .. }), "{error}");
    assert_eq!(place.state()[6], 1, "it waits");
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "taken by a node that is as new");
    let [.., records, acknowledged, outbox] = place.state();
    assert!(records > before[4] && records == acknowledged && outbox == 0, "{records} {acknowledged}");

    // A receipt of an epoch to come, as a node that lies gives it, keeps nothing in the outbox.
    let client = |fails| {
        let ledger = &place.ledger;
        let failing = Failing { inner: ledger.access(), fails, submitted: Arc::default() };
        Client::over(home(place.dir.path()), Arc::new(failing), ledger.clock()).expect("a client")
    };
    let vault = client(Fails::Never).vault().expect("a vault");
    let mut record = vault.record(0).expect("reads").expect("a record");
    record.anchoring = Anchoring::Anchored(u64::MAX);
    let change = vault.change().expect("a change");
    change.put_record(&record).expect("written");
    change.commit().expect("durable");
    drop(vault);
    write(&folder, 4);
    let (done, _) = place.import(&folder, Fails::Refuses(0));
    assert!(matches!(done.err(), Some(ImportError::Refused { .. })), "as new as the clock");
    assert_eq!(place.state()[6], 0, "nothing waits");
}

#[test]
fn an_import_that_fails_at_any_submission_is_finished_by_the_next() {
    let folders = tempfile::tempdir().expect("a folder");
    // One folder for both versions: it is the source of the ids.
    let folder = folders.path().join("export");
    let expected = [[3, 1_203, 0, 3, 1_203, 1_203, 0], [3, 1_206, 6, 3, 1_206, 1_206, 0]];
    let mut tried = 0;
    for n in 0.. {
        let mut reached = false;
        for fails in [Fails::Before(n), Fails::After(n)] {
            let place = Place::new();
            for (version, expected) in (1..).zip(expected) {
                write(&folder, version);
                let (done, submitted) = place.import(&folder, fails);
                if submitted > n {
                    reached = true;
                    tried += 1;
                    assert!(done.is_err(), "{fails:?}");
                }
                let (again, _) = place.import(&folder, Fails::Never);
                assert!(again.is_ok(), "finished");
                assert_eq!(place.state(), expected, "{fails:?}, version {version}");
                let (once_more, submitted) = place.import(&folder, Fails::Never);
                assert!(once_more.is_ok(), "nothing to do");
                assert_eq!(submitted, 0, "nothing is submitted twice");
            }
        }
        if !reached {
            break;
        }
    }
    assert!(tried >= 6, "an enrolment and two anchorings, before and after: {tried}");
}

/// Home directory and folder of the child process.
const CHILD: &str = "AMANAT_TEST_CHILD";
/// Where the child process stops.
const STOPS: &str = "AMANAT_TEST_STOPS";

#[test]
#[ignore = "the child process of the test below, which names its home directory"]
fn a_process_that_is_killed() {
    let (child, stops) = (std::env::var(CHILD).expect("a child"), std::env::var(STOPS).expect("a place"));
    let (dir, folder) = child.split_once('|').expect("two paths");
    let (when, n) = stops.split_once(' ').expect("two words");
    let n = n.parse().expect("a number");
    let fails = if when == "before" { Fails::StopsBefore(n) } else { Fails::StopsAfter(n) };
    let home = home(Path::new(dir));
    let ledger = open(&home);
    let (_, submitted) = import(home, &ledger, Path::new(folder), fails);
    panic!("it was to stop at submission {n} of {submitted}");
}

#[test]
fn an_import_whose_process_is_killed_is_finished_by_the_next() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    write(&folder, 1);
    // The enrolment, then two anchorings.
    for stops in ["before 0", "after 0", "before 1", "after 1", "before 2", "after 2"] {
        let place = Place::new().import_and_kill(&folder, stops);
        let (again, _) = place.import(&folder, Fails::Never);
        assert!(again.is_ok(), "finished: {stops}");
        assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0], "{stops}");
        let (once_more, submitted) = place.import(&folder, Fails::Never);
        assert!(once_more.is_ok() && submitted == 0, "nothing is submitted twice: {stops}");
    }
}

#[test]
fn wallets_that_were_saved_and_are_unknown_to_the_vault_are_used() {
    let folders = tempfile::tempdir().expect("a folder");
    let folder = folders.path().join("export");
    write(&folder, 1);
    let place = Place::new();
    place.import(&folder, Fails::Before(0)).0.err().expect("no ledger");
    let wallets = || Wallet::load_all(&home(place.dir.path())).expect("wallets");
    let before: Vec<_> = wallets().iter().map(|w| w.secrets().subject().commitment()).collect();
    // As if the process had been killed before the vault heard of the patients.
    std::fs::remove_file(place.dir.path().join("vault.redb")).expect("a vault");
    assert!(place.import(&folder, Fails::Never).0.is_ok(), "finished");
    assert_eq!(place.state(), [3, 1_203, 0, 3, 1_203, 1_203, 0]);
    let after: Vec<_> = wallets().iter().map(|w| w.secrets().subject().commitment()).collect();
    assert!(before == after, "no second wallet for anybody");
}
