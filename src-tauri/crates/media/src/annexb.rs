//! Reads just enough of an H.264 byte stream to know whether a browser can start at it. Pure.

const SLICE_IDR: u8 = 5;
const PARAMETERS_OF_SEQUENCE: u8 = 7;
const PARAMETERS_OF_PICTURE: u8 = 8;

/// The NAL units of one access unit in Annex B, without their start codes.
pub(crate) fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(stream);
    std::iter::from_fn(move || {
        let unit = rest?;
        let end = start_code(unit);
        rest = end.and_then(|at| after_start_code(&unit[at..]));
        let unit = &unit[..end.unwrap_or(unit.len())];
        // A four-byte start code leaves its first zero at the end of the unit before it.
        Some(&unit[..unit.len() - unit.iter().rev().take_while(|byte| **byte == 0).count()])
    })
    .filter(|unit| !unit.is_empty())
}

/// True for a picture that a decoder can start at: an IDR slice with both parameter sets before it.
pub(crate) fn is_entry_point(stream: &[u8]) -> bool {
    let mut seen = (false, false);
    for unit in nal_units(stream) {
        match unit[0] & 0x1f {
            PARAMETERS_OF_SEQUENCE => seen.0 = true,
            PARAMETERS_OF_PICTURE => seen.1 = true,
            SLICE_IDR => return seen == (true, true),
            _ => {}
        }
    }
    false
}

/// Profile, constraint flags and level of the sequence, as `profile-level-id` in SDP writes them.
pub(crate) fn profile_level_id(stream: &[u8]) -> Option<[u8; 3]> {
    nal_units(stream)
        .find(|unit| unit[0] & 0x1f == PARAMETERS_OF_SEQUENCE)
        .and_then(|unit| unit.get(1..4)?.try_into().ok())
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    start_code(bytes).map(|at| &bytes[at + 3..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 0xda];
    const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80 | 1];
    const IDR: &[u8] = &[0x65, 0x88, 0x84];
    const DELTA: &[u8] = &[0x41, 0x9a];

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
    }

    #[test]
    fn a_keyframe_without_its_parameter_sets_is_no_entry_point() {
        for (units, expected) in [
            (&[SPS, PPS, IDR][..], true),
            (&[PPS, SPS, IDR, IDR], true),
            (&[IDR], false),
            (&[SPS, IDR], false),
            (&[SPS, PPS, DELTA], false),
            (&[IDR, SPS, PPS], false),
            (&[], false),
        ] {
            assert_eq!(is_entry_point(&stream(units)), expected, "{units:x?}");
        }
    }

    #[test]
    fn the_profile_is_read_as_sdp_writes_it() {
        assert_eq!(profile_level_id(&stream(&[SPS, PPS, IDR])), Some([0x42, 0xc0, 0x1f]));
        assert_eq!(profile_level_id(&stream(&[&[0x67, 0x42]])), None);
        assert_eq!(profile_level_id(b"nothing"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0u8..4, 0..200)) {
            prop_assert!(nal_units(&bytes).all(|unit| !unit.is_empty()));
            let _ = (is_entry_point(&bytes), profile_level_id(&bytes));
        }

        #[test]
        fn units_come_back_as_they_were_joined(units in proptest::collection::vec(proptest::collection::vec(1u8.., 1..20), 0..6)) {
            let borrowed: Vec<&[u8]> = units.iter().map(Vec::as_slice).collect();
            let joined = stream(&borrowed);
            prop_assert_eq!(nal_units(&joined).collect::<Vec<_>>(), borrowed);
        }
    }
}
