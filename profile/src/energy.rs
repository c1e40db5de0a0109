//! Energy: the counters that Linux shows of Intel's and AMD's processors (RAPL), whole packages.

use std::path::{Path, PathBuf};

/// Where Linux shows the counters.
const ROOT: &str = "/sys/class/powercap";

/// The counters of all packages.
#[derive(Debug, Clone)]
pub struct Rapl {
    packages: Vec<Package>,
}

#[derive(Debug, Clone)]
struct Package {
    counter: PathBuf,
    /// The counter begins again after this many microjoules.
    range: u64,
}

/// A reading of all counters.
#[derive(Debug, Clone)]
pub struct Reading(Vec<u64>);

impl Rapl {
    /// The counters of this machine.
    ///
    /// # Errors
    /// Why there are none, in words for the page.
    pub fn here() -> Result<Self, String> {
        Self::below(Path::new(ROOT))
    }

    fn below(root: &Path) -> Result<Self, String> {
        let entries = std::fs::read_dir(root).map_err(|_| {
            "not measured: this machine shows no counters (virtual machines rarely do)".to_owned()
        })?;
        let mut packages = Vec::new();
        let mut closed = false;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = std::fs::read_to_string(path.join("name")).unwrap_or_default();
            if !name.starts_with("package") {
                continue;
            }
            let counter = path.join("energy_uj");
            match (number(&counter), number(&path.join("max_energy_range_uj"))) {
                (Some(_), Some(range)) => packages.push(Package { counter, range }),
                _ => closed = true,
            }
        }
        match (packages.is_empty(), closed) {
            (false, _) => Ok(Self { packages }),
            (true, true) => {
                Err("not measured: the counters are closed to this user (reading them needs root)".into())
            }
            (true, false) => {
                Err("not measured: this machine shows no counters (virtual machines rarely do)".into())
            }
        }
    }

    /// The counters now; `None` if a counter has gone.
    #[must_use]
    pub fn read(&self) -> Option<Reading> {
        self.packages.iter().map(|p| number(&p.counter)).collect::<Option<_>>().map(Reading)
    }

    /// Joules from one reading to a later one. A counter that is smaller than before has begun
    /// again once.
    #[must_use]
    pub fn joules(&self, from: &Reading, to: &Reading) -> f64 {
        let each = self.packages.iter().zip(from.0.iter().zip(&to.0));
        each.map(|(package, (from, to))| {
            let used = if to >= from { to - from } else { (package.range - from.min(&package.range)) + to };
            used as f64 * 1e-6
        })
        .sum()
    }
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn packages_are_added_up_and_a_counter_may_begin_again() -> Outcome<()> {
        let dir = tempfile::tempdir()?;
        let zone = |zone: &str, name: &str, energy: &str| -> Outcome<()> {
            let path = dir.path().join(zone);
            std::fs::create_dir_all(&path)?;
            std::fs::write(path.join("name"), name)?;
            std::fs::write(path.join("max_energy_range_uj"), "10000000\n")?;
            Ok(std::fs::write(path.join("energy_uj"), energy)?)
        };
        assert!(Rapl::below(dir.path()).is_err_and(|why| why.contains("no counters")));
        zone("intel-rapl:0", "package-0\n", "9000000\n")?;
        zone("intel-rapl:0:0", "core\n", "5\n")?;
        zone("intel-rapl:1", "package-1\n", "100\n")?;
        let rapl = Rapl::below(dir.path())?;
        let before = rapl.read().ok_or("readable")?;
        zone("intel-rapl:0", "package-0\n", "500000\n")?;
        zone("intel-rapl:1", "package-1\n", "2000100\n")?;
        let after = rapl.read().ok_or("readable")?;
        assert!((rapl.joules(&before, &after) - 3.5).abs() < 1e-9);
        assert!(Rapl::below(&dir.path().join("nothing")).is_err());
        Ok(())
    }
}
