//! A virtual display: its picture, and a pointer.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// An RGB picture.
#[derive(Clone, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// From any file that ImageMagick reads.
    pub fn load(file: &Path) -> Self {
        let converted =
            Command::new("convert").arg(file).args(["-depth", "8", "-alpha", "off", "ppm:-"]).output().unwrap();
        assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));
        Self::from_ppm(&converted.stdout)
    }

    fn from_ppm(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut word = || {
            let start = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap();
            let end = start + rest[start..].iter().position(u8::is_ascii_whitespace).unwrap();
            let word = String::from_utf8(rest[start..end].to_vec()).unwrap();
            rest = &rest[end..];
            word
        };
        assert_eq!(word(), "P6");
        let (width, height): (usize, usize) = (word().parse().unwrap(), word().parse().unwrap());
        assert_eq!(word(), "255");
        let rgb = rest[1..].to_vec();
        assert_eq!(rgb.len(), width * height * 3);
        Self { width, height, rgb }
    }

    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let rows = (y..y + height).flat_map(|row| {
            let start = (row * self.width + x) * 3;
            self.rgb[start..start + width * 3].iter().copied()
        });
        Self { width, height, rgb: rows.collect() }
    }

    /// The mean of how far each channel of each pixel is from the other picture's, 0 to 255.
    pub fn difference(&self, other: &Self) -> f64 {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let sum: u64 = self.rgb.iter().zip(&other.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / self.rgb.len() as f64
    }

    /// How much is to be seen: the mean distance from the picture's own mean colour.
    pub fn detail(&self) -> f64 {
        let pixels = (self.rgb.len() / 3) as u64;
        let mean = |channel: usize| {
            (self.rgb.iter().skip(channel).step_by(3).map(|value| u64::from(*value)).sum::<u64>() / pixels) as u8
        };
        let means = [mean(0), mean(1), mean(2)];
        let sum: u64 = self.rgb.iter().enumerate().map(|(at, value)| u64::from(value.abs_diff(means[at % 3]))).sum();
        sum as f64 / self.rgb.len() as f64
    }
}

/// Xvfb, and what is done in it. It goes with this.
pub struct Screen {
    server: Child,
    display: String,
    folder: PathBuf,
}

impl Screen {
    pub fn start(width: usize, height: usize, folder: &Path) -> Self {
        let size = format!("{width}x{height}x24");
        // Without Composite there are no windows of 32 bits, which Mesa 22.3's software swapchain cannot fill.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-extension", "Composite", "-screen", "0", &size])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self { server, display: format!(":{}", number.trim()), folder: folder.to_owned() }
    }

    pub fn display(&self) -> &str {
        &self.display
    }

    /// The window of that title, if there is one.
    pub fn window(&self, title: &str) -> Option<Window<'_>> {
        let found = self.point(&["search", "--onlyvisible", "--name", title]);
        let id = String::from_utf8(found.stdout).unwrap().lines().next()?.to_owned();
        Some(Window { screen: self, id })
    }

    /// What xdotool says to these words.
    fn point(&self, words: &[&str]) -> Output {
        Command::new("xdotool").args(words).env("DISPLAY", &self.display).output().expect("xdotool runs")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub struct Window<'a> {
    screen: &'a Screen,
    id: String,
}

impl Window<'_> {
    /// What it shows; `None` when it has just gone.
    pub fn picture(&self) -> Option<Picture> {
        let file = self.screen.folder.join("window.ppm");
        let display = &self.screen.display;
        let taken =
            Command::new("import").args(["-display", display, "-window", &self.id]).arg(&file).output().unwrap();
        taken.status.success().then(|| Picture::load(&file))
    }

    fn act(&self, words: &[&str]) {
        let done = self.screen.point(words);
        assert!(done.status.success(), "xdotool {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn move_to(&self, x: i32, y: i32) {
        self.act(&["mousemove", "--window", &self.id, &x.to_string(), &y.to_string(), "sleep", "0.05"]);
    }

    pub fn click(&self, x: i32, y: i32) {
        self.move_to(x, y);
        self.act(&["click", "1"]);
    }

    /// With the left button, in steps as a hand does it.
    pub fn drag(&self, from: (i32, i32), to: (i32, i32)) {
        self.move_to(from.0, from.1);
        self.act(&["mousedown", "1"]);
        for step in 1..=10 {
            self.move_to(from.0 + (to.0 - from.0) * step / 10, from.1 + (to.1 - from.1) * step / 10);
        }
        self.act(&["mouseup", "1"]);
    }

    /// The keys as xdotool writes them, with the pointer over the window.
    pub fn press(&self, keys: &str) {
        self.move_to(5, 5);
        self.act(&["key", keys]);
    }
}
