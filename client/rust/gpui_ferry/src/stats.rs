use crate::clock::now_ns;
use ferry_input::FrameNote;
use std::collections::VecDeque;

/// How many of the last frames a figure is of.
const WINDOW: usize = 60;

/// Rate and latency of the last frames.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// When each was taken, and how long after it was published.
    recent: VecDeque<(u64, u64)>,
}

impl Meter {
    /// A frame is taken now that was published at `produced_ns` (`CLOCK_MONOTONIC`).
    pub fn count(&mut self, produced_ns: u64) {
        self.count_at(now_ns(), produced_ns);
    }

    fn count_at(&mut self, now_ns: u64, produced_ns: u64) {
        self.recent.push_back((now_ns, now_ns.saturating_sub(produced_ns)));
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
    }

    #[must_use]
    pub fn frames_per_second(&self) -> f64 {
        match (self.recent.front(), self.recent.back()) {
            (Some((first, _)), Some((last, _))) if last > first => {
                (self.recent.len() - 1) as f64 * 1e9 / (last - first) as f64
            }
            _ => 0.0,
        }
    }

    /// From published to taken, the median.
    #[must_use]
    pub fn latency_ms(&self) -> f64 {
        let mut latencies: Vec<_> = self.recent.iter().map(|(_, latency)| *latency).collect();
        latencies.sort_unstable();
        latencies.get(latencies.len() / 2).map_or(0.0, |latency| *latency as f64 / 1e6)
    }
}

/// What a view has to tell of its stream.
#[derive(Clone, Debug, Default)]
pub struct ViewStats {
    /// Frames shown, and frames published in between that were not.
    pub shown: u64,
    pub skipped: u64,
    pub size_px: (u32, u32),
    /// The renderer is dead; what is on show is its last frame.
    pub orphaned: bool,
    /// Why there is no picture, while there is none.
    pub waiting_for: Option<String>,
    pub sync: String,
    /// What the renderer said of the frame on show.
    pub note: Option<FrameNote>,
    pub meter: Meter,
}

impl ViewStats {
    pub(crate) fn count(&mut self, produced_ns: u64, skipped: u64) {
        self.shown += 1;
        // What was on show before this view came says nothing of its own pace.
        if self.shown > 1 {
            self.skipped += skipped;
        }
        self.meter.count(produced_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_latency_are_of_the_last_frames() {
        let mut meter = Meter::default();
        assert_eq!((meter.frames_per_second(), meter.latency_ms()), (0.0, 0.0));
        for frame in 1..200_u64 {
            let now_ns = frame * 10_000_000;
            meter.count_at(now_ns, now_ns - if frame < 100 { 9_000_000 } else { 2_000_000 });
        }
        assert!((meter.frames_per_second() - 100.0).abs() < 0.01, "{}", meter.frames_per_second());
        assert_eq!(meter.latency_ms(), 2.0);
    }

    #[test]
    fn frames_before_the_first_one_shown_were_not_skipped() {
        let mut stats = ViewStats::default();
        stats.count(0, 1000);
        stats.count(0, 2);
        assert_eq!((stats.shown, stats.skipped), (2, 2));
    }
}
