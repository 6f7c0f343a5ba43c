//! Whose datagram is it: by the address it came from, else by the ufrag that a STUN request names. Pure.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

use super::stun;

/// Addresses that lead to one peer. A browser has a handful per network; past that the oldest is forgotten, and comes
/// back with its next connectivity check.
const ADDRESSES_PER_PEER: usize = 32;
/// Ufrags that lead to one peer: the present one and the one before the last ICE restart.
const UFRAGS_PER_PEER: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RouteId(u64);

/// `S` is where a peer's datagrams go.
#[derive(Debug)]
pub(crate) struct Routes<S> {
    next: u64,
    peers: HashMap<RouteId, Peer<S>>,
    by_ufrag: HashMap<String, RouteId>,
    by_address: HashMap<SocketAddr, RouteId>,
}

#[derive(Debug)]
struct Peer<S> {
    sink: S,
    ufrags: VecDeque<String>,
    addresses: VecDeque<SocketAddr>,
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self { next: 0, peers: HashMap::new(), by_ufrag: HashMap::new(), by_address: HashMap::new() }
    }
}

impl<S> Routes<S> {
    pub(crate) fn add(&mut self, sink: S) -> RouteId {
        let id = RouteId(self.next);
        self.next += 1;
        self.peers.insert(id, Peer { sink, ufrags: VecDeque::new(), addresses: VecDeque::new() });
        id
    }

    pub(crate) fn remove(&mut self, id: RouteId) {
        if let Some(peer) = self.peers.remove(&id) {
            peer.ufrags.iter().for_each(|ufrag| _ = self.by_ufrag.remove(ufrag));
            peer.addresses.iter().for_each(|address| _ = self.by_address.remove(address));
        }
    }

    /// From now on `ufrag` names this peer too.
    pub(crate) fn name(&mut self, id: RouteId, ufrag: &str) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if self.by_ufrag.get(ufrag) == Some(&id) {
            return;
        }
        if peer.ufrags.len() == UFRAGS_PER_PEER
            && let Some(oldest) = peer.ufrags.pop_front()
        {
            self.by_ufrag.remove(&oldest);
        }
        peer.ufrags.push_back(ufrag.to_owned());
        self.by_ufrag.insert(ufrag.to_owned(), id);
    }

    /// The peer sends to `address` first: its answers carry no ufrag. An address of another peer stays that peer's,
    /// so nobody can claim a stranger's traffic by naming its address as a candidate.
    pub(crate) fn expect_from(&mut self, id: RouteId, address: SocketAddr) {
        if !self.by_address.contains_key(&address) {
            self.bind(id, address);
        }
    }

    pub(crate) fn by_ufrag(&self, ufrag: &str) -> Option<(RouteId, &S)> {
        let id = *self.by_ufrag.get(ufrag)?;
        Some((id, &self.peers.get(&id)?.sink))
    }

    /// Where `datagram` goes; `None` is a stranger's.
    pub(crate) fn route(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<&S> {
        let id = match stun::named_ufrag(datagram) {
            // A request says whom it is for: a browser's port may be used again by its next connection.
            Some(ufrag) => {
                let id = *self.by_ufrag.get(ufrag)?;
                self.bind(id, from);
                id
            }
            None => *self.by_address.get(&from)?,
        };
        self.peers.get(&id).map(|peer| &peer.sink)
    }

    fn bind(&mut self, id: RouteId, address: SocketAddr) {
        match self.by_address.insert(address, id) {
            Some(previous) if previous == id => return,
            Some(previous) => {
                if let Some(peer) = self.peers.get_mut(&previous) {
                    peer.addresses.retain(|known| *known != address);
                }
            }
            None => {}
        }
        let Some(peer) = self.peers.get_mut(&id) else {
            self.by_address.remove(&address);
            return;
        };
        if peer.addresses.len() == ADDRESSES_PER_PEER
            && let Some(oldest) = peer.addresses.pop_front()
        {
            self.by_address.remove(&oldest);
        }
        peer.addresses.push_back(address);
    }

    /// Peers, ufrags and addresses that are held: for the figures, and to see that nothing stays behind.
    pub(crate) fn held(&self) -> (usize, usize, usize) {
        (self.peers.len(), self.by_ufrag.len(), self.by_address.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::stun::tests::binding_request, *};

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn a_request_opens_the_way_for_what_follows() {
        let mut routes = Routes::default();
        let ann = routes.add("ann");
        routes.name(ann, "ufragA");
        assert_eq!(routes.route(address(1), b"\x80media"), None, "a stranger");
        assert_eq!(routes.route(address(1), &binding_request("ufragA:x")), Some(&"ann"));
        assert_eq!(routes.route(address(1), b"\x80media"), Some(&"ann"));
    }

    #[test]
    fn a_port_that_is_used_again_goes_to_whom_the_request_names() {
        let mut routes = Routes::default();
        let (ann, bob) = (routes.add("ann"), routes.add("bob"));
        routes.name(ann, "ufragA");
        routes.name(bob, "ufragB");
        routes.route(address(1), &binding_request("ufragA:x"));
        routes.route(address(1), &binding_request("ufragB:x"));
        assert_eq!(routes.route(address(1), b"\x80media"), Some(&"bob"));
        routes.remove(ann);
        assert_eq!(routes.route(address(1), b"\x80media"), Some(&"bob"));
    }

    #[test]
    fn naming_anothers_address_as_a_candidate_takes_nothing_from_it() {
        let mut routes = Routes::default();
        let (ann, mallory) = (routes.add("ann"), routes.add("mallory"));
        routes.name(ann, "ufragA");
        routes.route(address(1), &binding_request("ufragA:x"));
        routes.expect_from(mallory, address(1));
        assert_eq!(routes.route(address(1), b"\x80media"), Some(&"ann"));
    }

    #[test]
    fn the_ufrag_before_a_restart_still_leads_home() {
        let mut routes = Routes::default();
        let ann = routes.add("ann");
        for ufrag in ["first", "second", "third"] {
            routes.name(ann, ufrag);
        }
        assert!(routes.by_ufrag("first").is_none());
        assert!(routes.by_ufrag("second").is_some() && routes.by_ufrag("third").is_some());
    }

    proptest! {
        #[test]
        fn nothing_of_a_removed_peer_stays(deeds in prop::collection::vec((0u8..5, 0usize..4, 0u16..80), 0..300)) {
            let mut routes = Routes::default();
            let mut ids: Vec<Option<RouteId>> = vec![None; 4];
            for (deed, who, port) in deeds {
                match (deed, ids[who]) {
                    (0, None) => ids[who] = Some(routes.add(who)),
                    (1, Some(id)) => routes.name(id, &format!("ufrag{who}")),
                    (2, Some(id)) => routes.expect_from(id, address(port)),
                    (3, _) => { routes.route(address(port), &binding_request(&format!("ufrag{who}:x"))); }
                    (4, Some(id)) => { routes.remove(id); ids[who] = None; }
                    _ => {}
                }
                let (peers, ufrags, addresses) = routes.held();
                prop_assert!(ufrags <= peers * UFRAGS_PER_PEER && addresses <= peers * ADDRESSES_PER_PEER);
            }
            ids.into_iter().flatten().for_each(|id| routes.remove(id));
            prop_assert_eq!(routes.held(), (0, 0, 0));
        }
    }
}
