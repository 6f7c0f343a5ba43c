//! The two generations of OpenSpace's socket API, and which version of OpenSpace each stands for here.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As OpenSpace 0.21.4: no handshake, bare property objects.
    Legacy,
    /// As OpenSpace 0.22.0: the first message must be an `apiHandshake`, replies are tagged.
    New,
}

impl Dialect {
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "legacy" => Some(Self::Legacy),
            "new" => Some(Self::New),
            _ => None,
        }
    }

    /// Major, minor, patch of the OpenSpace that the demo claims to be.
    pub fn version(self) -> [u32; 3] {
        match self {
            Self::Legacy => [0, 21, 4],
            Self::New => [0, 22, 0],
        }
    }
}
