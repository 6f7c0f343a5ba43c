//! The little of STUN (RFC 8489) that tells whom a datagram is for. Pure.

const HEADER_BYTES: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const USERNAME: u16 = 0x0006;

/// The ufrag of ours that a binding request names: the part of USERNAME before the colon (RFC 8445 §7.2.2).
pub(crate) fn named_ufrag(datagram: &[u8]) -> Option<&str> {
    let Binding::Request(_) = binding(datagram)? else { return None };
    let length = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    let mut attributes = datagram.get(HEADER_BYTES..HEADER_BYTES + length)?;
    while attributes.len() >= 4 {
        let kind = u16::from_be_bytes([attributes[0], attributes[1]]);
        let size = usize::from(u16::from_be_bytes([attributes[2], attributes[3]]));
        let value = attributes.get(4..4 + size)?;
        if kind == USERNAME {
            return std::str::from_utf8(value).ok()?.split_once(':').map(|(ours, _)| ours);
        }
        attributes = attributes.get(4 + size.next_multiple_of(4)..)?;
    }
    None
}

/// What a request and its answer have in common.
pub(crate) type Transaction = [u8; 12];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Request(Transaction),
    Success(Transaction),
}

pub(crate) fn binding(datagram: &[u8]) -> Option<Binding> {
    let kind = datagram.get(..2).filter(|_| datagram.get(4..8) == Some(&MAGIC_COOKIE))?;
    let transaction = datagram.get(8..HEADER_BYTES)?.try_into().ok()?;
    match kind {
        _ if kind == BINDING_REQUEST => Some(Binding::Request(transaction)),
        _ if kind == BINDING_SUCCESS => Some(Binding::Success(transaction)),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A binding request with one attribute in front of USERNAME.
    pub(crate) fn binding_request(username: &str) -> Vec<u8> {
        let mut attributes = vec![0x80, 0x22, 0, 3, b'a', b'b', b'c', 0];
        attributes.extend(USERNAME.to_be_bytes());
        attributes.extend(u16::try_from(username.len()).expect("short").to_be_bytes());
        attributes.extend(username.as_bytes());
        attributes.resize(attributes.len().next_multiple_of(4), 0);
        let mut datagram = BINDING_REQUEST.to_vec();
        datagram.extend(u16::try_from(attributes.len()).expect("short").to_be_bytes());
        datagram.extend(MAGIC_COOKIE);
        datagram.extend([7; 12]);
        datagram.extend(attributes);
        datagram
    }

    #[test]
    fn a_request_names_the_ufrag_before_the_colon() {
        assert_eq!(named_ufrag(&binding_request("ours:theirs")), Some("ours"));
        assert_eq!(named_ufrag(&binding_request("no colon")), None);
    }

    #[test]
    fn a_response_names_nobody() {
        let mut response = binding_request("ours:theirs");
        response[0] = 0x01;
        assert_eq!(named_ufrag(&response), None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(datagram in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (named_ufrag(&datagram), binding(&datagram));
        }

        #[test]
        fn no_broken_request_makes_it_panic(at in 0usize..44, with: u8, cut in 0usize..50) {
            let mut datagram = binding_request("ours:theirs");
            let length = datagram.len();
            datagram[at.min(length - 1)] = with;
            datagram.truncate(length.saturating_sub(cut));
            let _ = named_ufrag(&datagram);
        }
    }
}
