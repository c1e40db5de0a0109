//! Whether this process has a device: the plugin by path or beside the program, looked for once.

use super::backend::Gpu;
use super::plugin::{LoadError, Plugin};
use super::shared::Settings;
use crate::backend::processor;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The environment variable that names the plugin's file, or says `off`.
pub const PLUGIN_VARIABLE: &str = "AMANAT_GPU_PLUGIN";

/// The plugin's file name next to the program.
pub const PLUGIN_FILE: &str = "libamanat_gpu.so";

/// Whether there is a GPU backend in this process, and if not, why.
pub enum Presence {
    /// Switched off by [`PLUGIN_VARIABLE`].
    Off,
    /// No plugin was named, and none is next to the program.
    Absent,
    /// There is a plugin, but it is not used.
    Refused {
        /// Why, in words.
        why: String,
    },
    /// There is one.
    Present(Gpu),
}

/// The answer, found at the first call and the same ever after.
#[must_use]
pub fn presence() -> &'static Presence {
    static PRESENCE: OnceLock<Presence> = OnceLock::new();
    PRESENCE.get_or_init(|| {
        let beside =
            std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(PLUGIN_FILE)));
        match wanted(std::env::var_os(PLUGIN_VARIABLE).as_deref(), beside.as_deref()) {
            Wanted::Off => Presence::Off,
            Wanted::Nothing => Presence::Absent,
            Wanted::File(path) => match open(&path, Settings::default()) {
                Ok(gpu) => Presence::Present(gpu),
                Err(why) => Presence::Refused { why },
            },
        }
    })
}

/// What the environment and the program's folder ask for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Off,
    Nothing,
    File(PathBuf),
}

fn wanted(variable: Option<&OsStr>, beside: Option<&Path>) -> Wanted {
    match variable {
        Some(value) if value == "off" => Wanted::Off,
        // why: the loader searches a bare name along the system's library path. A file of this
        // folder is meant, so the path is made absolute.
        Some(value) if !value.is_empty() => {
            Wanted::File(std::path::absolute(value).unwrap_or_else(|_| PathBuf::from(value)))
        }
        _ => match beside.filter(|path| path.exists()) {
            Some(path) => Wanted::File(path.to_owned()),
            None => Wanted::Nothing,
        },
    }
}

/// A backend over the first device of a plugin.
///
/// # Errors
/// In words: why there is none.
pub fn open(path: &Path, settings: Settings) -> Result<Gpu, String> {
    let plugin = Plugin::load(path).map_err(|error: LoadError| error.to_string())?;
    let name = path.display();
    let devices = plugin.devices().map_err(|failure| format!("{name} finds no GPU: {failure}"))?;
    let Some(first) = devices.into_iter().next() else {
        return Err(format!("{name} finds no GPU on this machine"));
    };
    let of = first.name.clone();
    Gpu::open(plugin, first, processor(), settings)
        .map_err(|failure| format!("{of} cannot be opened: {failure}"))
}

impl Presence {
    /// The backend, if there is one.
    #[must_use]
    pub const fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Present(gpu) => Some(gpu),
            Self::Off | Self::Absent | Self::Refused { .. } => None,
        }
    }

    /// A short name in lower case, for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Absent => "absent",
            Self::Refused { .. } => "refused",
            Self::Present(gpu) => gpu.report().state.label(),
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => write!(f, "switched off by {PLUGIN_VARIABLE}"),
            Self::Absent => write!(f, "none: no plugin named by {PLUGIN_VARIABLE} or beside the program"),
            Self::Refused { why } => write!(f, "not used: {why}"),
            Self::Present(gpu) => write!(f, "{}", gpu.report()),
        }
    }
}

/// The report on the machine's device, if there is one.
#[must_use]
pub fn report() -> Option<super::Report> {
    presence().gpu().map(Gpu::report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_comes_before_the_file_beside_the_program() {
        let here = std::env::current_exe().expect("this test");
        let nowhere = Path::new("/no/such/file");
        assert_eq!(wanted(None, Some(&here)), Wanted::File(here.clone()));
        assert_eq!(wanted(Some(OsStr::new("")), Some(&here)), Wanted::File(here.clone()));
        assert_eq!(wanted(None, Some(nowhere)), Wanted::Nothing);
        assert_eq!(wanted(None, None), Wanted::Nothing);
        assert_eq!(wanted(Some(OsStr::new("off")), Some(&here)), Wanted::Off);
        assert_eq!(wanted(Some(OsStr::new("/a/b.so")), Some(&here)), Wanted::File(PathBuf::from("/a/b.so")));
        let Wanted::File(path) = wanted(Some(OsStr::new("b.so")), None) else { panic!("a file") };
        assert!(path.is_absolute() && path.ends_with("b.so"), "{path:?}");
    }

    #[test]
    fn files_that_are_no_plugins_are_refused_in_words() {
        let why = |path: &Path| open(path, Settings::default()).err().expect("no plugin");
        let missing = why(Path::new("/no/such/plugin.so"));
        assert!(missing.contains("/no/such/plugin.so cannot be loaded"), "{missing}");
        let text = std::env::temp_dir().join(format!("amanat-no-plugin-{}.so", std::process::id()));
        std::fs::write(&text, "not a library").expect("a temporary file");
        let no_library = why(&text);
        std::fs::remove_file(&text).expect("it was there");
        assert!(no_library.contains("cannot be loaded"), "{no_library}");
        // A library that is not ours: the C library's mathematics.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            let other =
                ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"]
                    .map(Path::new)
                    .into_iter()
                    .find(|path| path.exists());
            if let Some(other) = other {
                let stranger = why(other);
                assert!(stranger.contains("has no symbol amanat_gpu_abi_version"), "{stranger}");
            }
        }
    }
}
