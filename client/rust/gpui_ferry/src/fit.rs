use gpui::ObjectFit;

/// How the picture fits into the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// Whole, in its own proportions.
    #[default]
    Contain,
    /// Filling the view, in its own proportions, cut where it is too long.
    Cover,
    /// Filling the view.
    Fill,
    /// In its own size.
    None,
}

impl From<Fit> for ObjectFit {
    fn from(fit: Fit) -> Self {
        match fit {
            Fit::Contain => Self::Contain,
            Fit::Cover => Self::Cover,
            Fit::Fill => Self::Fill,
            Fit::None => Self::None,
        }
    }
}
