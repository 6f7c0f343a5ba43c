//! Does it sound? Pure.

/// Below this, of 32768, nobody hears it: what sound servers add when they mix silence is one or two.
const AUDIBLE: u16 = 16;
/// Pieces that pass after the last that sounded: the end of a tone is part of it. Half a second.
const HOLD: u32 = 50;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Pieces that may pass still.
    left: u32,
}

impl Gate {
    /// May this piece of samples pass?
    pub(crate) fn passes(&mut self, piece: &[u8]) -> bool {
        let loudest =
            piece.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample).unsigned_abs()).max();
        if loudest.is_some_and(|loudest| loudest >= AUDIBLE) {
            self.left = HOLD;
            return true;
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(loudest: i16) -> Vec<u8> {
        [0, loudest, -loudest, 1].iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    #[test]
    fn silence_passes_only_for_a_while_after_a_sound() {
        let mut gate = Gate::default();
        assert!(!gate.passes(&piece(0)));
        assert!(gate.passes(&piece(300)));
        assert_eq!((0..200).filter(|_| gate.passes(&piece(2))).count(), HOLD as usize - 1);
        assert!(gate.passes(&piece(i16::MIN + 1)), "it wakes at once");
        assert!(!Gate::default().passes(&[]), "nothing is silent");
    }
}
