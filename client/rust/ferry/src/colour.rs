macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $name {
            $($(#[$of])* $variant = ferry_sys::$value,)*
        }

        impl $name {
            fn of(value: u32) -> Option<Self> {
                match value {
                    $(ferry_sys::$value => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

numbered! {
    Primaries {
        #[default]
        Bt709 = PRIMARIES_BT709,
        DisplayP3 = PRIMARIES_DISPLAY_P3,
        Bt2020 = PRIMARIES_BT2020,
    }
}
numbered! {
    /// How the stored numbers become light. The SRGB formats stay [`Transfer::Srgb`].
    Transfer {
        #[default]
        Srgb = TRANSFER_SRGB,
        Linear = TRANSFER_LINEAR,
        Pq = TRANSFER_PQ,
        Hlg = TRANSFER_HLG,
        Gamma22 = TRANSFER_GAMMA22,
    }
}
numbered! {
    Range {
        #[default]
        Full = RANGE_FULL,
        Limited = RANGE_LIMITED,
    }
}
numbered! {
    Alpha {
        #[default]
        Opaque = ALPHA_OPAQUE,
        Premultiplied = ALPHA_PREMULTIPLIED,
        Straight = ALPHA_STRAIGHT,
    }
}

/// What the numbers of an image mean. A stream has one, and a frame may have another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Colour {
    pub primaries: Primaries,
    pub transfer: Transfer,
    pub range: Range,
    pub alpha: Alpha,
}

impl Colour {
    pub(crate) fn of(primaries: u32, transfer: u32, range: u32, alpha: u32) -> Option<Self> {
        Some(Self {
            primaries: Primaries::of(primaries)?,
            transfer: Transfer::of(transfer)?,
            range: Range::of(range)?,
            alpha: Alpha::of(alpha)?,
        })
    }
}
