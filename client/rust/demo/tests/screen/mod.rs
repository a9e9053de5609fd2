//! A virtual display: its picture, and a pointer.
#![allow(dead_code)] // each test uses its part

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

    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        self.rgb[at..at + 3].try_into().unwrap()
    }

    /// How many pixels have a channel that is further than `tolerance` from the other picture's.
    pub fn pixels_off(&self, other: &Self, tolerance: u8) -> usize {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3));
        pairs.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > tolerance)).count()
    }

    /// One whose pixels are as said.
    pub fn drawn(width: usize, height: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Self {
        let colour = &colour;
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| colour(x, y))).collect();
        Self { width, height, rgb }
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

    /// The window of that title, if there is one. Empty: any.
    pub fn window(&self, title: &str) -> Option<Window<'_>> {
        let root = self.point(&["search", "--maxdepth", "0", "--name", ""]).stdout;
        let found = self.point(&["search", "--onlyvisible", "--name", title]).stdout;
        let (root, found) = (String::from_utf8(root).unwrap(), String::from_utf8(found).unwrap());
        let id = found.lines().find(|id| !root.lines().any(|known| known == *id))?.to_owned();
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

    pub fn move_to(&self, x: i32, y: i32) {
        self.act(&["mousemove", "--window", &self.id, &x.to_string(), &y.to_string(), "sleep", "0.05"]);
    }

    pub fn resize(&self, width: usize, height: usize) {
        self.act(&["windowsize", &self.id, &width.to_string(), &height.to_string()]);
    }

    /// One notch of the wheel, up or down, where the pointer is.
    pub fn scroll(&self, up: bool) {
        self.act(&["click", if up { "4" } else { "5" }]);
    }

    /// Down and up, where the pointer is.
    pub fn tap(&self, key: &str) {
        self.act(&["key", key]);
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
