use std::time::Duration;

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Looks once.
    No,
    For(Duration),
    Forever,
}

impl Wait {
    /// In C zero does not wait and negative waits without end.
    pub(crate) fn timeout_ns(self) -> i64 {
        match self {
            Self::No => 0,
            Self::For(duration) => i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX),
            Self::Forever => -1,
        }
    }
}

impl From<Duration> for Wait {
    fn from(duration: Duration) -> Self {
        Self::For(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forever_is_endless() {
        assert_eq!(Wait::No.timeout_ns(), 0);
        assert_eq!(Wait::from(Duration::ZERO).timeout_ns(), 0);
        assert_eq!(Wait::from(Duration::from_millis(2)).timeout_ns(), 2_000_000);
        assert_eq!(Wait::from(Duration::MAX).timeout_ns(), i64::MAX);
        assert_eq!(Wait::Forever.timeout_ns(), -1);
    }
}
