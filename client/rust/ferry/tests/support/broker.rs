use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Every wait of a test ends here: long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The real ferryd, with a socket of its own in a folder of its own. Both go with it.
pub struct Broker {
    process: Child,
    folder: PathBuf,
}

impl Broker {
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ferry-rust.{}.{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self { process: launch(&folder), folder }
    }

    /// SIGKILL: it has no chance to tidy up.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The next broker, at the same socket.
    pub fn start_again(&mut self) {
        self.process = launch(&self.folder);
    }

    pub fn socket(&self) -> String {
        self.folder.join("ferryd.sock").to_str().unwrap().to_owned()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Returns when it is ready.
fn launch(folder: &Path) -> Child {
    let programs = std::env::var("FERRY_BIN_DIR")
        .expect("FERRY_BIN_DIR names the folder of ferryd: scripts/test sets it, build/dev/bin in a build tree");
    // The receiving end of sd_notify(3): it hears when the broker is ready.
    let _ = std::fs::remove_file(folder.join("notify"));
    let notify = UnixDatagram::bind(folder.join("notify")).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let process = Command::new(Path::new(&programs).join("ferryd"))
        .arg("--socket")
        .arg(folder.join("ferryd.sock"))
        .env("NOTIFY_SOCKET", folder.join("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ferryd starts");
    while !hears_ready(&notify) {}
    process
}

fn hears_ready(notify: &UnixDatagram) -> bool {
    let mut text = [0; 1024];
    let length = notify.recv(&mut text).expect("ferryd says that it is ready");
    String::from_utf8_lossy(&text[..length]).contains("READY=1")
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program that is killed when the test is through with it, however that ends.
pub struct Running(pub Child);

impl Running {
    /// This test program again, to play a part: the ignored test of that name.
    pub fn part(name: &str, socket: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--ignored", "--nocapture"])
            .env("FERRY_SOCKET", socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// SIGKILL: it has no chance to tidy up.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
